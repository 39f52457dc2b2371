//! `/v1/analytics`: what became of the messages of some days, in numbers.

mod dto;
mod summary;

pub(crate) use summary::{__path_summary, summary};
