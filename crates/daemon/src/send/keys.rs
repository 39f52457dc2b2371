//! The idempotency keys of a run: the same whenever it is repeated, and no others'.

use sha2::{Digest as _, Sha256};

/// A run over a file.
pub(super) struct Run(String);

impl Run {
    /// The run with this name.
    pub(super) fn named(name: &str) -> Self {
        Self::of(b"name", name.as_bytes())
    }

    /// The run over a file with this content.
    pub(super) fn over(content: &[u8]) -> Self {
        Self::of(b"content", content)
    }

    fn of(kind: &[u8], what: &[u8]) -> Self {
        let mut digest = Sha256::new();
        digest.update(kind);
        digest.update([0]);
        digest.update(what);
        Self(hex::encode(&digest.finalize()[..16]))
    }

    /// The key of the batch that begins with this row, counted from 1.
    ///
    /// Where the batch ends is not in it: should it end elsewhere than when it was sent, or hold other rows, the daemon
    /// refuses it, where another key would have it sent twice.
    pub(super) fn key(&self, first_row: usize) -> String {
        format!("postern-send:{}:{first_row}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_run_has_the_same_keys_and_no_other_has_them() {
        let key = Run::over(b"to\n+15551234567\n").key(201);
        assert_eq!(key, Run::over(b"to\n+15551234567\n").key(201));
        assert!(key.is_ascii() && key.len() <= 255);
        for other in [
            Run::over(b"to\n+15551234567\n").key(401),
            Run::over(b"to\n+15551234568\n").key(201),
            Run::named("to\n+15551234567\n").key(201),
        ] {
            assert_ne!(key, other);
        }
    }
}
