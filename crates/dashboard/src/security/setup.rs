//! The link that makes the first operator: there is no default password.

use std::sync::{Mutex, PoisonError};

use postern_domain::Timestamp;
use subtle::ConstantTimeEq as _;

use super::token::Token;

/// The token of the link, in memory only: a daemon that is started again while there is no operator prints another.
#[derive(Default)]
pub(crate) struct SetUp(Mutex<Option<([u8; 32], Timestamp)>>);

impl SetUp {
    /// A token good until then; the one before is good no more.
    pub(crate) fn issue(&self, until: Timestamp) -> String {
        let token = Token::generate();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.hash(), until));
        token.expose()
    }

    /// Whether the token is good at `now`.
    pub(crate) fn admits(&self, token: &str, now: Timestamp) -> bool {
        let issued = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (issued, Token::parse(token)) {
            (Some((hash, until)), Some(token)) => now < until && bool::from(hash.ct_eq(&token.hash())),
            _ => false,
        }
    }

    /// It was used.
    pub(crate) fn used(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_good_once_for_a_while_and_only_the_last_one() {
        let (set_up, at) = (SetUp::default(), Timestamp::from_millis);
        assert!(!set_up.admits("", at(0)));
        let first = set_up.issue(at(10));
        let second = set_up.issue(at(10));
        assert!(!set_up.admits(&first, at(0)));
        assert!(set_up.admits(&second, at(9)));
        assert!(!set_up.admits(&second, at(10)));
        set_up.used();
        assert!(!set_up.admits(&second, at(0)));
    }
}
