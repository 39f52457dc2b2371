//! Who may come in: passwords, tokens, cookies, and how often somebody may be wrong.

mod origin;
mod password;
mod setup;
mod throttle;
mod token;
pub(crate) mod workspace;

pub(crate) use origin::{Client, from_elsewhere};
pub use password::{NotAPassword, password_hash};
pub(crate) use password::{PasswordError, Passwords, check_strength};
pub(crate) use setup::SetUp;
pub(crate) use throttle::Throttle;
pub(crate) use token::{SessionCookie, Token};
