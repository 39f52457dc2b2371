//! Who is calling, and whether they may: checked against the store before anything else is read.

mod address;
mod known;
mod pass;

use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, web};
use postern_domain::{ApiKeyId, Network, Plan, Scope, Scopes, Timestamp, WorkspaceId};
use postern_runtime::Tasks;
use postern_store::{Credentials, Store};
use subtle::ConstantTimeEq as _;

use self::known::KnownKey;
pub(crate) use self::known::KnownKeys;
pub(crate) use self::pass::Pass;
use crate::errors::{ApiError, ErrorCode};
use crate::{Api, ApiKeySecret};

/// An authenticated caller. Its key has the scope that the table of routes asks for.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Whose objects it may see.
    pub workspace: WorkspaceId,
    /// The key it came with.
    pub key: ApiKeyId,
    /// What that may be used for.
    pub scopes: Scopes,
    /// What the plan of its workspace allows.
    pub plan: Plan,
}

/// Lets only callers through whose key is valid and has the scope. Wrapped around every route that needs one, so that a
/// request without a key learns nothing about its body.
pub(crate) async fn authenticate(
    scope: Scope,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match caller(&request, scope).await {
        Ok((caller, pass)) => {
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(pass);
            next.call(request).await
        }
        Err(error) => Ok(request.error_response(error)),
    }
}

async fn caller(request: &ServiceRequest, scope: Scope) -> Result<(Caller, Pass), ApiError> {
    let api = request
        .app_data::<web::Data<Api>>()
        .ok_or_else(|| ApiError::internal("the API's state is not registered"))?;
    let address = api.client_address(request.request());
    if let Some(address) = address {
        api.limits.admit(address)?;
    }
    let now = api.clock.now();
    let key = match api.identified(request.headers(), now).await {
        Ok(key) => key,
        Err(error) => {
            if let Some(address) = address.filter(|_| error.code() == ErrorCode::Unauthorized) {
                api.limits.failed(address);
            }
            return Err(error);
        }
    };
    // First, so that who has stolen it cannot use up its requests from elsewhere.
    admit_from(&key, address)?;
    let (left, taken) = api.limits.take(key.id, key.plan.1.as_ref());
    if let Some(left) = left {
        request.extensions_mut().insert(left);
    }
    taken?;
    admit(&key, scope)?;
    if key.is_to_be_noted(now) {
        note_use(&api.store, key.id, now);
    }
    let pass = Pass {
        hash: key.hash,
        scope,
        address,
    };
    let caller = Caller {
        workspace: key.workspace,
        key: key.id,
        scopes: key.scopes,
        // Only the administration of the daemon gets as far without one.
        plan: key.plan.1.unwrap_or(Plan::UNLIMITED),
    };
    Ok((caller, pass))
}

/// Whether a valid key may be used from here.
fn admit_from(key: &KnownKey, address: Option<IpAddr>) -> Result<(), ApiError> {
    if key.may_come_from(address) {
        return Ok(());
    }
    let from = address.map_or_else(|| "this address".to_owned(), |address| address.to_string());
    Err(forbidden(format!("the API key may not be used from {from}")))
}

/// Whether the holder of a valid key may do this now.
fn admit(key: &KnownKey, scope: Scope) -> Result<(), ApiError> {
    if !key.scopes.has(scope) {
        return Err(lacks(scope));
    }
    // Whoever runs the daemon must be able to undo what they did.
    if scope == Scope::AdminDaemon {
        return Ok(());
    }
    if let Some(reason) = &key.deactivated {
        return Err(deactivated(reason));
    }
    let (name, plan) = &key.plan;
    match plan {
        None => Err(forbidden(format!(
            "the workspace's plan \"{name}\" is not in the gateway's configuration"
        ))),
        Some(plan) if !plan.api => Err(forbidden(format!("the plan \"{name}\" has no API access"))),
        Some(plan) if !plan.webhooks && scope == Scope::WebhooksManage => {
            Err(forbidden(format!("the plan \"{name}\" has no webhooks")))
        }
        Some(_) => Ok(()),
    }
}

/// Beside the request, which does not wait for it.
fn note_use(store: &Store, key: ApiKeyId, now: Timestamp) {
    let store = store.clone();
    drop(Tasks::new().spawn("last use of a key", async move {
        if let Err(error) = store.api_key_used(key, now).await {
            tracing::debug!(key.id = %key, %error, "the last use of a key was not written down");
        }
    }));
}

const SEND_A_KEY: &str = "send a valid API key as \"Authorization: Bearer sk_live_…\"";

/// The same answer whether the key is missing, malformed or wrong; only who holds a key hears more.
fn unauthorized(why: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, why)
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn forbidden(why: String) -> ApiError {
    ApiError::new(ErrorCode::Forbidden, why)
}

/// The caller's workspace may do nothing.
pub(crate) fn deactivated(reason: &str) -> ApiError {
    let way_out = "ask whoever runs the gateway to activate it";
    forbidden(format!("the workspace is deactivated: {reason}; {way_out}"))
}

/// The caller's key lacks this scope.
pub(crate) fn lacks(scope: Scope) -> ApiError {
    forbidden(format!("the API key lacks the scope \"{scope}\""))
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
    /// From where a request comes, as far as those can be trusted who say it.
    pub(crate) fn client_address(&self, request: &HttpRequest) -> Option<IpAddr> {
        address::client(request, &self.config.trusted_proxies)
    }

    /// The key of a request, when it is valid now.
    async fn identified(&self, headers: &HeaderMap, now: Timestamp) -> Result<Arc<KnownKey>, ApiError> {
        let secret = bearer(headers).ok_or_else(|| unauthorized(SEND_A_KEY))?;
        self.valid_key(secret.hash(), now).await
    }

    /// The key with this hash, when it is valid now.
    async fn valid_key(&self, hash: [u8; 32], now: Timestamp) -> Result<Arc<KnownKey>, ApiError> {
        let key = self.known_key(hash, now).await?;
        if key.expires_at.is_some_and(|end| end <= now) {
            return Err(unauthorized("the API key has expired"));
        }
        Ok(key)
    }

    async fn known_key(&self, hash: [u8; 32], now: Timestamp) -> Result<Arc<KnownKey>, ApiError> {
        let asked = match self.known_keys.get(&hash, now) {
            Ok(key) => return Ok(key),
            Err(asked) => asked,
        };
        let found = self.store.credentials(hash).await?;
        let found = found.filter(|found| bool::from(found.key.hash.ct_eq(&hash)));
        let found = found.ok_or_else(|| unauthorized(SEND_A_KEY))?;
        if found.key.revoked_at.is_some() {
            return Err(unauthorized("the API key was revoked"));
        }
        let key = Arc::new(self.known(found)?);
        self.known_keys
            .remember(asked, Arc::clone(&key), now, self.config.key_cache_ttl);
        Ok(key)
    }

    fn known(&self, found: Credentials) -> Result<KnownKey, ApiError> {
        let Credentials {
            key,
            plan,
            deactivated,
        } = found;
        let networks = key.networks.iter().map(|network| network.parse());
        let networks: Vec<Network> = networks.collect::<Result<_, _>>().map_err(ApiError::internal)?;
        let allows = self.config.plans.get(&plan).copied();
        Ok(KnownKey {
            id: key.id,
            workspace: key.workspace,
            hash: key.hash,
            scopes: key.scopes,
            networks: (!networks.is_empty()).then_some(networks),
            expires_at: key.ends_at(),
            deactivated,
            plan: (plan, allows),
            noted: AtomicI64::new(key.last_used_at.map_or(0, Timestamp::as_millis)),
        })
    }

    /// Carries out what changes a key or a workspace, and makes every worker ask the store for keys again. Both happen
    /// although the caller may have gone meanwhile.
    pub(crate) async fn change_access<T, E>(
        &self,
        change: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        E: Into<ApiError> + Send + 'static,
    {
        let known_keys = Arc::clone(&self.known_keys);
        let task = Tasks::new().spawn("change of access", async move {
            let outcome = change.await;
            known_keys.forget();
            outcome
        });
        match task.await {
            Ok(Ok(outcome)) => outcome.map_err(Into::into),
            Ok(Err(panicked)) => Err(ApiError::internal(panicked)),
            Err(aborted) => Err(ApiError::internal(aborted)),
        }
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = request.extensions().get().copied();
        ready(caller.ok_or_else(|| unauthorized(SEND_A_KEY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyKind;

    #[test]
    fn only_a_bearer_key_is_read() {
        let secret = ApiKeySecret::generate(KeyKind::Live);
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
