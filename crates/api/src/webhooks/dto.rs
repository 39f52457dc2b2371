//! An endpoint as the API shows it.

use postern_domain::webhook::{AttemptFailure, AttemptOutcome, DisableReason, EVERY_TYPE, EventTypes};
use postern_domain::{DeviceId, EventType, Timestamp};
use postern_store::Backlog;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};

use crate::Api;
use crate::errors::ApiError;

/// A webhook endpoint. Every field is always present; what does not apply is `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Webhook {
    /// Its id.
    #[schema(example = "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    id: String,
    /// Where events are sent.
    #[schema(example = "https://example.com/hooks/whatsapp")]
    url: String,
    /// What you call it; may be empty.
    #[schema(example = "Order updates")]
    description: String,
    /// The types of events it gets; `["*"]` is all, also those of later releases.
    #[schema(example = json!(["message.received", "message.failed"]))]
    event_types: Vec<String>,
    /// It gets the events of these devices only; `null` is all. Events of no device are not affected.
    #[schema(required, example = json!(null))]
    device_ids: Option<Vec<String>>,
    /// The names of the headers of yours that every request carries. Their values are not shown: they may be secrets.
    #[schema(example = json!(["Authorization"]))]
    header_names: Vec<String>,
    /// Whether the next event of a device waits until the one before it is delivered or given up.
    #[schema(example = false)]
    ordered: bool,
    /// Deliveries a minute at most; `null` is no limit.
    #[schema(required, example = json!(null))]
    rate_cap: Option<u32>,
    /// Whether events are delivered. Events that happen while it is disabled are kept for it as long as the gateway keeps
    /// events.
    #[schema(example = true)]
    enabled: bool,
    /// Why it is disabled; `null` while it is enabled.
    #[schema(required)]
    disabled: Option<Disabled>,
    /// When it answered the challenge; `null` when that was skipped.
    #[schema(required, format = DateTime)]
    verified_at: Option<String>,
    /// Until when the secret before the present one signs as well; `null` when there is none.
    #[schema(required, format = DateTime, example = json!(null))]
    previous_secret_until: Option<String>,
    /// How its deliveries go.
    health: Health,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
    /// When its settings last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Why an endpoint is disabled.
#[derive(Serialize, ToSchema)]
struct Disabled {
    /// The reason.
    #[schema(schema_with = disable_reasons, example = "failing")]
    reason: &'static str,
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
}

/// How the deliveries of an endpoint go.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// Since when every try failed; `null` when the last one did not.
    #[schema(required, format = DateTime, example = json!(null))]
    failing_since: Option<String>,
    /// How many tries have failed in a row.
    #[schema(example = 0)]
    failures: u32,
    /// Until when it is left alone because of them.
    #[schema(required, format = DateTime, example = json!(null))]
    resting_until: Option<String>,
    /// When a try last succeeded.
    #[schema(required, format = DateTime)]
    last_success_at: Option<String>,
    /// When a try last failed.
    #[schema(required, format = DateTime, example = json!(null))]
    last_failure_at: Option<String>,
    /// Events that wait for another try, or behind one that does; counted up to 10000.
    #[schema(example = 0)]
    waiting: u32,
    /// Events that were given up: send them again with `POST /v1/webhooks/{id}/replay`; counted up to 10000.
    #[schema(example = 0)]
    parked: u32,
}

/// How a try to reach an endpoint ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    /// `succeeded` when the endpoint answered 2xx in time, else `failed`.
    #[schema(example = "failed")]
    status: &'static str,
    /// The HTTP status of the answer; `null` when none came.
    #[schema(required, example = 503)]
    code: Option<u16>,
    /// Why it failed; `null` when it succeeded.
    #[schema(required, schema_with = failures, example = "status")]
    error: Option<&'static str>,
    /// The beginning of the answer's body, at most 4 KiB; `null` when it succeeded or nothing came.
    #[schema(required, example = "upstream unavailable")]
    response: Option<String>,
    /// When the try began.
    #[schema(format = DateTime)]
    at: String,
    /// How long it took.
    #[schema(example = 131)]
    duration_ms: u64,
}

impl Outcome {
    pub(super) fn new(
        failure: Option<AttemptFailure>,
        code: Option<u16>,
        excerpt: &[u8],
        at: Timestamp,
        duration: std::time::Duration,
    ) -> Self {
        let response = String::from_utf8_lossy(excerpt);
        Self {
            status: if failure.is_some() { "failed" } else { "succeeded" },
            code,
            error: failure.map(AttemptFailure::name),
            response: Some(response.into_owned()).filter(|text| !text.is_empty()),
            at: at.to_rfc3339(),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl From<AttemptOutcome> for Outcome {
    fn from(tried: AttemptOutcome) -> Self {
        Self::new(
            tried.failure,
            tried.status,
            &tried.excerpt,
            tried.at,
            tried.duration,
        )
    }
}

impl Api {
    /// An endpoint as the API shows it, with what it has still to get.
    pub(super) async fn shown(&self, webhook: postern_store::Webhook) -> Result<Webhook, ApiError> {
        let backlog = self.store.webhook_backlog(&webhook).await?;
        Ok(Webhook::new(webhook, backlog, self.clock.now()))
    }
}

impl Webhook {
    fn new(webhook: postern_store::Webhook, backlog: Backlog, now: Timestamp) -> Self {
        let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
        let devices = webhook.devices.as_ref();
        let previous = webhook.previous_secret.as_ref().map(|(_, until)| *until);
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            description: webhook.description,
            event_types: names(webhook.event_types),
            device_ids: devices.map(|ids| ids.iter().map(DeviceId::to_string).collect()),
            header_names: webhook.headers.into_iter().map(|(name, _)| name).collect(),
            ordered: webhook.ordered,
            rate_cap: webhook.rate_cap,
            enabled: webhook.disabled.is_none(),
            disabled: webhook.disabled.map(|(reason, since)| Disabled {
                reason: reason.name(),
                since: since.to_rfc3339(),
            }),
            verified_at: time(webhook.verified_at),
            previous_secret_until: time(previous.filter(|until| now < *until)),
            health: Health {
                failing_since: time(webhook.failing_since),
                failures: webhook.failures,
                resting_until: time(webhook.rest_until.filter(|until| now < *until)),
                last_success_at: time(webhook.last_success_at),
                last_failure_at: time(webhook.last_failure_at),
                waiting: backlog.waiting,
                parked: backlog.parked,
            },
            created_at: webhook.created_at.to_rfc3339(),
            updated_at: webhook.updated_at.to_rfc3339(),
        }
    }
}

fn names(types: EventTypes) -> Vec<String> {
    if types == EventTypes::ALL {
        return vec![EVERY_TYPE.to_owned()];
    }
    let chosen = EventType::ALL.into_iter().filter(|kind| types.include(*kind));
    chosen.map(|kind| kind.name().to_owned()).collect()
}

/// The reasons with their meanings, from the one place that knows them.
fn disable_reasons() -> Schema {
    let all = DisableReason::ALL.map(|reason| (reason.name(), reason.meaning()));
    described(&all, SchemaType::new(Type::String))
}

/// The failures with their meanings.
pub(super) fn failures() -> Schema {
    let all: Vec<_> = AttemptFailure::ALL
        .iter()
        .map(|failure| (failure.name(), failure.meaning()))
        .collect();
    described(&all, SchemaType::from_iter([Type::String, Type::Null]))
}

fn described(names: &[(&str, &str)], kind: SchemaType) -> Schema {
    let meanings: Vec<_> = names
        .iter()
        .map(|(name, meaning)| format!("- `{name}`: {meaning}"))
        .collect();
    ObjectBuilder::new()
        .schema_type(kind)
        .description(Some(meanings.join("\n")))
        .into()
}
