//! An API key as the API shows it.

use postern_domain::{Scope, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::ApiKeySecret;

/// An API key, without the key itself. Every field is always present; what does not apply is `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    /// Its id.
    #[schema(example = "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    id: String,
    /// What you call it.
    #[schema(example = "order worker")]
    name: String,
    /// What the key starts with.
    #[schema(example = "sk_live_")]
    prefix: String,
    /// What the key ends with.
    #[schema(example = "9f3c")]
    last_four: String,
    /// What it may be used for.
    #[schema(schema_with = scopes, example = json!(["messages:send", "messages:read"]))]
    scopes: Vec<&'static str>,
    /// The networks it may be used from; none is anywhere.
    #[schema(example = json!(["203.0.113.0/24"]))]
    allowed_ips: Vec<String>,
    /// From when on it is no longer valid: its expiry, or the end of the overlap with the key that replaces it.
    #[schema(required, format = DateTime, example = json!(null))]
    expires_at: Option<String>,
    /// Since when it is revoked.
    #[schema(required, format = DateTime, example = json!(null))]
    revoked_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A new API key, with the key itself. It is shown this once: only its hash is stored.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewApiKey {
    /// The key, for `Authorization: Bearer …`.
    #[schema(example = "sk_live_0123456789abcdef0123456789abcdef0123456789ab9f3c")]
    key: String,
    /// Everything else about it.
    #[serde(flatten)]
    shown: ApiKey,
}

/// The scopes that are asked for: at least one.
pub(super) fn wanted_scopes() -> Array {
    ArrayBuilder::from(scopes()).min_items(Some(1)).build()
}

/// The same where they may be left out.
pub(super) fn changed_scopes() -> Array {
    let either = SchemaType::from_iter([Type::Array, Type::Null]);
    ArrayBuilder::from(wanted_scopes()).schema_type(either).build()
}

/// The scopes with their meanings, from the one place that knows them.
fn scopes() -> Array {
    let meanings = Scope::ALL.map(|scope| format!("- `{scope}`: {}", scope.meaning()));
    let scope = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(Scope::ALL.map(Scope::name)));
    ArrayBuilder::new()
        .items(scope)
        .description(Some(meanings.join("\n")))
        .build()
}

impl NewApiKey {
    pub(crate) fn new(secret: &ApiKeySecret, stored: postern_store::ApiKey) -> Self {
        Self {
            key: secret.expose().to_owned(),
            shown: stored.into(),
        }
    }
}

impl From<postern_store::ApiKey> for ApiKey {
    fn from(key: postern_store::ApiKey) -> Self {
        let ends_at = key.ends_at();
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            last_four: key.last_four,
            scopes: key.scopes.iter().map(Scope::name).collect(),
            allowed_ips: key.networks,
            expires_at: ends_at.map(Timestamp::to_rfc3339),
            revoked_at: key.revoked_at.map(Timestamp::to_rfc3339),
            last_used_at: key.last_used_at.map(Timestamp::to_rfc3339),
            created_at: key.created_at.to_rfc3339(),
        }
    }
}
