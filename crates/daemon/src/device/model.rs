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
    pub(super) last_event_at: Option<String>,
    pub(super) intent: String,
    pub(super) account: Option<Account>,
    pub(super) counters: Counters,
    pub(super) created_at: String,
}

/// What is counted for a device.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Counters {
    pub(super) reconnects: u64,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) parked: u64,
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

    /// Whether it is linked to no account: it is `disconnected` instead of `unlinked` when a logout left messages.
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

#[cfg(test)]
impl Device {
    /// A device for tests, without a name.
    pub(super) fn seen(state: &str, reason: &str, since: &str) -> Self {
        Self {
            id: "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D".to_owned(),
            name: String::new(),
            state: state.to_owned(),
            reason: reason.to_owned(),
            since: since.to_owned(),
            retry_at: None,
            last_event_at: None,
            intent: "linked".to_owned(),
            account: None,
            counters: Counters::default(),
            created_at: "2026-11-01T12:00:00.000Z".to_owned(),
        }
    }

    /// The same with a name.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The same with an account.
    pub(super) fn linked_to(mut self, phone: &str) -> Self {
        self.account = Some(Account {
            phone: phone.to_owned(),
            push_name: None,
            platform: None,
        });
        self
    }
}
