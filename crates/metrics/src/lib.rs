//! Numbers that are counted where work is done, and read when somebody asks.
//!
//! Each part of the gateway owns its numbers as fields of a plain struct and hands that struct out; counting is an atomic
//! addition, without a lock, an allocation, a name or a label. What they are called, how they are grouped and in which
//! format they leave is known to the daemon alone. Numbers begin at zero with the process.

mod counter;
mod histogram;

pub use counter::Counter;
pub use histogram::{Histogram, Reading};
