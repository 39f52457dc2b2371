//! What the API says of a device, as far as this command reads it.

use postern_domain::{DeviceReason, DeviceState};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A device. States and reasons stay text, so that those of a newer daemon can be shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) reason: String,
    pub(super) since: String,
    pub(super) retry_at: Option<String>,
    pub(super) intent: String,
    pub(super) account: Option<Account>,
    pub(super) created_at: String,
}

/// The account a device is linked to, or was last linked to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    pub(super) phone: String,
    pub(super) push_name: Option<String>,
    pub(super) platform: Option<String>,
}

/// One page of devices, each as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) data: Vec<Box<RawValue>>,
    pub(super) next_cursor: Option<String>,
}

/// A code on show: a QR code's text, or what is typed in on a phone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) expires_at: String,
}

impl Device {
    pub(super) fn is(&self, state: DeviceState) -> bool {
        self.state == state.name()
    }

    pub(super) fn is_because(&self, reason: DeviceReason) -> bool {
        self.reason == reason.name()
    }

    /// Whether it has no account: it is `disconnected` instead of `unlinked` while messages wait for the link.
    pub(super) fn has_no_link(&self) -> bool {
        self.is(DeviceState::Unlinked) || self.is_because(DeviceReason::LoggedOut)
    }

    /// Whether nothing was observed of it since it was as `earlier`.
    pub(super) fn is_still(&self, earlier: &Self) -> bool {
        (&self.state, &self.reason, &self.since) == (&earlier.state, &earlier.reason, &earlier.since)
    }

    /// What to call it on a command line: its name where it has one.
    pub(super) fn label(&self) -> &str {
        if self.name.is_empty() {
            &self.id
        } else {
            &self.name
        }
    }
}
