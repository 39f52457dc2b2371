//! A device as the API shows it.

use postern_domain::{DeviceReason, DeviceState, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Schema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::pacing::PacingFields;

/// A device: one linked-device session, like one entry under "Linked devices" on a phone. Every field is always
/// present; what does not apply is `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    /// Its id.
    #[schema(example = "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    id: String,
    /// What you call it; may be empty.
    #[schema(example = "Support line")]
    name: String,
    /// Whether it can send now.
    #[schema(schema_with = states, example = "connected")]
    state: &'static str,
    /// Why it is in this state.
    #[schema(schema_with = reasons, example = "healthy")]
    reason: &'static str,
    /// Since when state and reason are these.
    #[schema(format = DateTime)]
    since: String,
    /// When the gateway tries again by itself, where that is known.
    #[schema(required, format = DateTime, example = json!(null))]
    retry_at: Option<String>,
    /// When WhatsApp was last heard of through it: a login, an ack, a receipt, a message.
    #[schema(required, format = DateTime)]
    last_event_at: Option<String>,
    /// What you want of it: `linked`, `paused`, or `unlinked` after a logout. The state follows.
    #[schema(example = "linked")]
    intent: &'static str,
    /// The WhatsApp account it is linked to, or was last linked to when it is unlinked.
    #[schema(required)]
    account: Option<Account>,
    /// How fast it may send; `null` is the gateway's default (`[pacing]` in its configuration).
    #[schema(required)]
    pacing: Option<PacingFields>,
    /// What is counted since it was created.
    counters: Counters,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What is counted for a device.
#[derive(Serialize, ToSchema)]
struct Counters {
    /// Logins after the first one of a link. One that grows quickly is a link that does not hold.
    #[schema(example = 3)]
    reconnects: u64,
    /// Messages that reached WhatsApp's server.
    #[schema(example = 1250)]
    sent: u64,
    /// Messages that came in.
    #[schema(example = 340)]
    received: u64,
    /// Messages that are parked now: release or cancel them under `/v1/devices/{id}/parked`.
    #[schema(example = 0)]
    parked: u64,
}

/// The states with their meanings, from the one place that knows them.
fn states() -> Schema {
    let names = DeviceState::ALL.map(DeviceState::name);
    let meanings = DeviceState::ALL.map(|state| format!("- `{}`: {}", state.name(), state.meaning()));
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(meanings.join("\n")))
        .enum_values(Some(names))
        .into()
}

/// The reasons with their meanings, by state.
fn reasons() -> Schema {
    let meanings = DeviceReason::ALL.iter().map(|reason| {
        format!(
            "- `{}` ({}): {}",
            reason.name(),
            reason.state().name(),
            reason.meaning()
        )
    });
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(meanings.collect::<Vec<_>>().join("\n")))
        .enum_values(Some(DeviceReason::ALL.iter().map(|reason| reason.name())))
        .into()
}

/// A WhatsApp account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// Its phone number.
    #[schema(example = "+15557654321")]
    phone: String,
    /// Its number in WhatsApp's hidden-number space.
    #[schema(required, example = "100000012345678@lid")]
    lid: Option<String>,
    /// The name its owner shows to others.
    #[schema(required, example = "ACME Support")]
    push_name: Option<String>,
    /// Its phone's platform, as WhatsApp names it.
    #[schema(required, example = "android")]
    platform: Option<String>,
}

impl From<postern_store::Device> for Device {
    fn from(device: postern_store::Device) -> Self {
        Self {
            id: device.id.to_string(),
            name: device.name,
            state: device.status.state.name(),
            reason: device.status.reason.name(),
            since: device.status.since.to_rfc3339(),
            retry_at: device.status.retry_at.map(Timestamp::to_rfc3339),
            last_event_at: device.heard_at.map(Timestamp::to_rfc3339),
            intent: device.intent.name(),
            account: device.account.map(|account| Account {
                phone: account.phone.to_string(),
                lid: account.lid.map(|lid| lid.to_string()),
                push_name: account.push_name,
                platform: account.platform,
            }),
            pacing: device.pacing.map(PacingFields::from),
            counters: Counters {
                reconnects: device.counters.reconnects,
                sent: device.counters.sent,
                received: device.counters.received,
                parked: device.counters.parked,
            },
            created_at: device.created_at.to_rfc3339(),
        }
    }
}
