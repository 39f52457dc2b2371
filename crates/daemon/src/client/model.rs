//! What the API says of a device, as far as this command reads it.

use postern_domain::{DeviceReason, DeviceState};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A device. States and reasons stay text, so that those of a newer daemon can be shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) since: String,
    pub(crate) retry_at: Option<String>,
    pub(crate) last_event_at: Option<String>,
    pub(crate) intent: String,
    pub(crate) account: Option<Account>,
    pub(crate) counters: Counters,
    pub(crate) created_at: String,
}

/// What is counted for a device.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Counters {
    pub(crate) reconnects: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) parked: u64,
}

/// The account a device is linked to, or was last linked to.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) phone: String,
    pub(crate) push_name: Option<String>,
    pub(crate) platform: Option<String>,
}

/// One page of devices, each as it was written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) data: Vec<Box<RawValue>>,
    pub(crate) next_cursor: Option<String>,
}

/// A code on show: a QR code's text, or what is typed in on a phone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Code {
    pub(crate) code: String,
    pub(crate) expires_at: String,
}

impl Device {
    pub(crate) fn is(&self, state: DeviceState) -> bool {
        self.state == state.name()
    }

    pub(crate) fn is_because(&self, reason: DeviceReason) -> bool {
        self.reason == reason.name()
    }

    /// Whether it is linked to no account: it is `disconnected` instead of `unlinked` when a logout left messages.
    pub(crate) fn has_no_link(&self) -> bool {
        self.is(DeviceState::Unlinked) || self.is_because(DeviceReason::LoggedOut)
    }

    /// Whether nothing was observed of it since it was as `earlier`.
    pub(crate) fn is_still(&self, earlier: &Self) -> bool {
        (&self.state, &self.reason, &self.since) == (&earlier.state, &earlier.reason, &earlier.since)
    }

    /// What to call it on a command line: its name where it has one.
    pub(crate) fn label(&self) -> &str {
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
    pub(crate) fn seen(state: &str, reason: &str, since: &str) -> Self {
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
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    /// The same with an account.
    pub(crate) fn linked_to(mut self, phone: &str) -> Self {
        self.account = Some(Account {
            phone: phone.to_owned(),
            push_name: None,
            platform: None,
        });
        self
    }
}
