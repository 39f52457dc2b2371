//! A device as the API shows it.

use postern_domain::{Intent, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

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
    /// `unlinked`: pair it. `pairing`: show its QR code. `connected`: it works. `degraded`: it heals by itself,
    /// messages are accepted meanwhile. `disconnected`: somebody has to act, `reason` says on what.
    #[schema(example = "connected")]
    state: &'static str,
    /// Why it is in this state, e.g. `new`, `qr_shown`, `healthy`, `connection_lost`, `stopped`, `logged_out`.
    #[schema(example = "healthy")]
    reason: &'static str,
    /// Since when state and reason are these.
    #[schema(format = DateTime)]
    since: String,
    /// When the gateway tries again by itself, where that is known.
    #[schema(required, format = DateTime, example = json!(null))]
    retry_at: Option<String>,
    /// What you want of it: `linked` or `paused`. The state follows.
    #[schema(example = "linked")]
    intent: &'static str,
    /// The WhatsApp account it is linked to, or was last linked to when it is unlinked.
    #[schema(required)]
    account: Option<Account>,
    /// When it was created.
    #[schema(format = DateTime)]
    created_at: String,
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
            intent: match device.intent {
                Intent::Linked => "linked",
                Intent::Paused => "paused",
                Intent::Removed => "removed",
            },
            account: device.account.map(|account| Account {
                phone: account.phone.to_string(),
                lid: account.lid.map(|lid| lid.to_string()),
                push_name: account.push_name,
                platform: account.platform,
            }),
            created_at: device.created_at.to_rfc3339(),
        }
    }
}
