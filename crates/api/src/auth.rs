//! Who is calling: the API key in `Authorization`, checked against the store before anything else is read.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use postern_domain::{Timestamp, WorkspaceId};
use postern_store::{ApiKey, StoreError};
use subtle::ConstantTimeEq as _;

use crate::errors::{ApiError, ErrorCode};
use crate::{Api, ApiKeySecret};

/// How many keys are remembered at most.
const REMEMBERED_KEYS: usize = 1024;

/// An authenticated caller. Its presence in a handler's signature is the permission to call it.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Whose objects it may see.
    pub workspace: WorkspaceId,
}

/// Lets only callers with a valid key through. Wrapped around every route that needs one, so that a request
/// without a key learns nothing about its body.
pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match caller(&request).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.call(request).await
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn caller(request: &ServiceRequest) -> Result<Caller, ApiError> {
    let api = request
        .app_data::<web::Data<Api>>()
        .ok_or_else(|| ApiError::internal("the API's state is not registered"))?;
    let secret = bearer(request.headers()).ok_or_else(unauthorized)?;
    let key = api.verified_key(&secret).await?.ok_or_else(unauthorized)?;
    Ok(Caller {
        workspace: key.workspace,
    })
}

/// The same answer whether the key is missing, malformed or wrong.
fn unauthorized() -> ApiError {
    ApiError::new(
        ErrorCode::Unauthorized,
        "send a valid API key as \"Authorization: Bearer sk_live_…\"",
    )
    .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn bearer(headers: &HeaderMap) -> Option<ApiKeySecret> {
    let (scheme, key) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    ApiKeySecret::parse(key.trim()).ok()
}

impl Api {
    async fn verified_key(&self, secret: &ApiKeySecret) -> Result<Option<ApiKey>, StoreError> {
        let hash = secret.hash();
        let now = self.clock.now();
        if let Some(key) = self.known_keys.get(&hash, now) {
            return Ok(Some(key));
        }
        let found = self.store.api_key(hash).await?;
        let verified = found.filter(|key| bool::from(key.hash.ct_eq(&hash)));
        if let Some(key) = &verified {
            self.known_keys
                .remember(key.clone(), now, self.config.key_cache_ttl);
        }
        Ok(verified)
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(request.extensions().get().copied().ok_or_else(unauthorized))
    }
}

/// Keys that were valid a moment ago, so that a request costs no query.
///
/// Only valid keys are remembered, and only for the configured time: a revoked key works that much longer.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<HashMap<[u8; 32], (ApiKey, Timestamp)>>);

impl KnownKeys {
    fn get(&self, hash: &[u8; 32], now: Timestamp) -> Option<ApiKey> {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked up by a hash of the secret: how long the look-up takes tells nothing about a stored key.
        let (key, until) = keys.get(hash)?;
        (now < *until && bool::from(key.hash.ct_eq(hash))).then(|| key.clone())
    }

    fn remember(&self, key: ApiKey, now: Timestamp, ttl: Duration) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= REMEMBERED_KEYS {
            keys.retain(|_, (_, until)| now < *until);
        }
        if keys.len() >= REMEMBERED_KEYS {
            keys.clear();
        }
        keys.insert(key.hash, (key, now.after(ttl)));
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::ApiKeyId;

    use super::*;

    fn key(number: u32) -> ApiKey {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        ApiKey {
            id: ApiKeyId::generate(),
            workspace: WorkspaceId::generate(),
            hash,
        }
    }

    #[test]
    fn keys_are_remembered_for_a_while_and_never_too_many() {
        let known = KnownKeys::default();
        let (ttl, start) = (Duration::from_secs(5), Timestamp::from_millis(0));
        known.remember(key(7), start, ttl);
        assert!(known.get(&key(7).hash, Timestamp::from_millis(4_999)).is_some());
        assert!(known.get(&key(7).hash, Timestamp::from_millis(5_000)).is_none());
        assert!(known.get(&key(8).hash, start).is_none());
        for number in 0..5_000 {
            known.remember(key(number), start, ttl);
        }
        assert!(known.0.lock().expect("no panic").len() <= REMEMBERED_KEYS);
    }

    #[test]
    fn only_a_bearer_key_is_read() {
        let secret = ApiKeySecret::generate();
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::AUTHORIZATION,
                HeaderValue::from_str(value).expect("a header"),
            );
            bearer(&headers)
        };
        assert_eq!(read(&format!("Bearer {}", secret.expose())), Some(secret.clone()));
        assert_eq!(
            read(&format!("bearer  {}", secret.expose())),
            Some(secret.clone())
        );
        assert_eq!(read(&format!("Basic {}", secret.expose())), None);
        assert_eq!(read(secret.expose()), None);
        assert_eq!(read("Bearer"), None);
        assert_eq!(read(""), None);
    }
}
