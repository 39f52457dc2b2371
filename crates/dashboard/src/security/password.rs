//! Passwords: argon2id with its recommended costs, off the threads that serve, and only some at a time.

use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// Hashed at the same time: each takes 19 MiB and some 20 ms of a processor.
const AT_ONCE: usize = 2;
/// How long a password waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// The fewest and the most characters.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=200;

/// Hashes and verifies passwords.
pub(crate) struct Passwords(Semaphore);

/// A password could not be hashed or compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many others are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// Anything else.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

/// A new password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Weak {
    /// Too short, or absurdly long.
    #[error("must have 10 to 200 characters; a few words that only you would put together are good")]
    Length,
    /// Anybody would try it first.
    #[error("must be something else than the name or one character over and over")]
    Obvious,
}

/// A text cannot be the password of an operator; says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the password {0}")]
pub struct NotAPassword(String);

/// The PHC string of a new password of the operator with this name, for those who store one without a page.
///
/// # Errors
/// The password is too weak, or cannot be hashed.
pub async fn password_hash(password: String, name: &str) -> Result<String, NotAPassword> {
    check_strength(&password, name).map_err(|weak| NotAPassword(weak.to_string()))?;
    let hashed = Passwords::default().hash(password).await;
    hashed.map_err(|error| NotAPassword(format!("is not usable: {error}")))
}

/// # Errors
/// See [`Weak`].
pub(crate) fn check_strength(password: &str, name: &str) -> Result<(), Weak> {
    if !LENGTH.contains(&password.chars().count()) {
        return Err(Weak::Length);
    }
    let mut characters = password.chars();
    let first = characters.next();
    let one_only = characters.all(|character| Some(character) == first);
    if one_only || password.to_lowercase() == name.to_lowercase() {
        return Err(Weak::Obvious);
    }
    Ok(())
}

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Passwords {
    /// The PHC string of a new password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.in_turn(move || {
            let hashed = Argon2::default().hash_password(password.as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(failed)
        })
        .await
    }

    /// Whether the password is the one that was hashed. Without a hash it takes as long and is wrong: how long an
    /// answer takes must not tell which names there are.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        self.in_turn(move || {
            let Some(hash) = hash else {
                let hashed = Argon2::default().hash_password(password.as_bytes());
                return hashed.map(|_hash| false).map_err(failed);
            };
            let hash = PasswordHash::new(&hash).map_err(failed)?;
            Ok(Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok())
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(PATIENCE, self.0.acquire());
        let _turn = turn
            .await
            .map_err(|_too_late| PasswordError::Busy)?
            .map_err(failed)?;
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_recognised_and_another_is_not() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".to_owned()).await.expect("hashed");
        assert!(hash.starts_with("$argon2id$v=19$m="), "{hash}");
        let again = passwords.hash("correct horse".to_owned()).await.expect("hashed");
        assert_ne!(hash, again, "each has a salt of its own");
        let verify = |password: &str| passwords.verify(password.to_owned(), Some(hash.clone()));
        assert_eq!(verify("correct horse").await, Ok(true));
        assert_eq!(verify("battery staple").await, Ok(false));
        assert_eq!(passwords.verify("anything".to_owned(), None).await, Ok(false));
    }

    #[test]
    fn weak_passwords_are_refused() {
        assert_eq!(check_strength("correct horse", "ada"), Ok(()));
        assert_eq!(check_strength("short", "ada"), Err(Weak::Length));
        assert_eq!(check_strength(&"ab".repeat(101), "ada"), Err(Weak::Length));
        assert_eq!(check_strength("aaaaaaaaaaaa", "ada"), Err(Weak::Obvious));
        assert_eq!(
            check_strength("Ada@Example.com", "ada@example.com"),
            Err(Weak::Obvious)
        );
    }
}
