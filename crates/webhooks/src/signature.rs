//! Signatures by Standard Webhooks: what an endpoint checks to know that a request is ours and as we sent it.

use postern_domain::Timestamp;
use postern_domain::webhook::WebhookSecret;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// Signs with every live secret of an endpoint.
pub(crate) struct Signer(Vec<Webhook>);

impl Signer {
    /// Signs with these, newest first.
    pub(crate) fn new(secrets: &[WebhookSecret]) -> Self {
        let key = |secret: &WebhookSecret| Webhook::from_bytes(secret.expose().to_vec()).ok();
        Self(secrets.iter().filter_map(key).collect())
    }

    /// Adds the headers that prove a body: the id, the time of the attempt in seconds, and a signature for each secret.
    pub(crate) fn sign(&self, headers: &mut HeaderMap, id: &str, at: Timestamp, body: &[u8]) {
        let seconds = at.as_millis().div_euclid(1_000);
        // Bodies are JSON, so that they are text, which is all that signing asks for.
        let sign = |key: &Webhook| key.sign(id, seconds, body).ok();
        let signatures: Vec<_> = self.0.iter().filter_map(sign).collect();
        for (name, value) in [
            (HEADER_WEBHOOK_ID, id.to_owned()),
            (HEADER_WEBHOOK_TIMESTAMP, seconds.to_string()),
            (HEADER_WEBHOOK_SIGNATURE, signatures.join(" ")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_live_secret_verifies_and_no_other_and_no_changed_body() {
        let [old, new, other] = [1, 2, 3].map(|byte| WebhookSecret::from_bytes([byte; WebhookSecret::BYTES]));
        let now = chrono::DateTime::<chrono::Utc>::from(std::time::UNIX_EPOCH + since_epoch());
        let mut headers = HeaderMap::new();
        let signer = Signer::new(&[new.clone(), old.clone()]);
        signer.sign(
            &mut headers,
            "evt_1",
            Timestamp::from_millis(now.timestamp_millis()),
            b"{}",
        );
        let verify = |secret: &WebhookSecret, body: &[u8]| {
            let key = Webhook::from_bytes(secret.expose().to_vec()).expect("a key");
            key.verify(body, &headers).is_ok()
        };
        assert!(verify(&old, b"{}") && verify(&new, b"{}"));
        assert!(!verify(&other, b"{}"));
        assert!(!verify(&new, b"{ }"));
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the crate that verifies reads the machine's clock itself"
    )]
    fn since_epoch() -> std::time::Duration {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.expect("after 1970")
    }
}
