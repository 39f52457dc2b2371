//! Random tokens: what the browser holds, and what of it is stored.

use actix_web::cookie::{Cookie, SameSite, time};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// 256 random bits. Never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token([u8; 32]);

impl Token {
    /// A new one.
    pub(crate) fn generate() -> Self {
        let mut bytes = [0; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Reads one back.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = hex::decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// For the browser.
    pub(crate) fn expose(&self) -> String {
        hex::encode(self.0)
    }

    /// For the store.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }

    /// What forms of the session carry, so that no other page can send them. It does not tell the token.
    pub(crate) fn against_forgery(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"postern form ");
        hash.update(self.0);
        hex::encode(hash.finalize())
    }

    /// Whether `sent` is what forms of the session carry.
    pub(crate) fn vouches_for(&self, sent: &str) -> bool {
        bool::from(self.against_forgery().as_bytes().ct_eq(sent.as_bytes()))
    }
}

/// The session's cookie: by its name a browser takes it only over TLS, where there is TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionCookie {
    /// The browser talks TLS.
    pub(crate) secure: bool,
}

impl SessionCookie {
    pub(crate) const fn name(self) -> &'static str {
        if self.secure {
            "__Host-postern_session"
        } else {
            "postern_session"
        }
    }

    /// Sets the token; it goes when the browser is closed, or after `age`.
    pub(crate) fn set(self, token: &Token, age: std::time::Duration) -> Cookie<'static> {
        let age = time::Duration::try_from(age).unwrap_or(time::Duration::DAY);
        self.cookie(token.expose(), age)
    }

    /// Takes it away.
    pub(crate) fn clear(self) -> Cookie<'static> {
        self.cookie(String::new(), time::Duration::ZERO)
    }

    fn cookie(self, value: String, age: time::Duration) -> Cookie<'static> {
        Cookie::build(self.name(), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(age)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_and_vouches_for_its_own_forms_only() {
        let (token, other) = (Token::generate(), Token::generate());
        assert!(Token::parse(&token.expose()).is_some_and(|back| back == token));
        assert!(token.vouches_for(&token.against_forgery()));
        assert!(!token.vouches_for(&other.against_forgery()));
        assert!(!token.vouches_for(""));
        assert_ne!(token.against_forgery(), hex::encode(token.hash()));
        for bad in ["", "00", "zz", &"0".repeat(63)] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let token = Token::generate();
        let age = std::time::Duration::from_secs(60);
        let plain = SessionCookie { secure: false }.set(&token, age).to_string();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=60"] {
            assert!(plain.contains(part), "{plain}");
        }
        assert!(!plain.contains("Secure"), "{plain}");
        let secure = SessionCookie { secure: true }.set(&token, age).to_string();
        assert!(
            secure.starts_with("__Host-") && secure.contains("Secure"),
            "{secure}"
        );
        assert!(!secure.contains("Domain"), "{secure}");
    }
}
