//! What a workspace may use: `[plans.NAME]`.

use postern_domain::Plan;
use serde::Deserialize;

/// `[plans.NAME]`; 0 is no limit.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanConfig {
    /// Devices at a time.
    pub devices: u32,
    /// Messages accepted in a calendar month.
    pub messages_per_month: u64,
    /// Requests of one API key in a minute.
    pub requests_per_minute: u32,
    /// Messages in one batch.
    pub messages_per_batch: u32,
    /// Whether it may be used over the REST API.
    pub api: bool,
    /// Whether it may have webhooks.
    pub webhooks: bool,
}

impl PlanConfig {
    pub(super) fn plan(self) -> Plan {
        Plan {
            devices: Some(self.devices).filter(|limit| *limit > 0),
            messages_per_month: Some(self.messages_per_month).filter(|limit| *limit > 0),
            requests_per_minute: Some(self.requests_per_minute).filter(|limit| *limit > 0),
            messages_per_batch: Some(self.messages_per_batch).filter(|limit| *limit > 0),
            api: self.api,
            webhooks: self.webhooks,
        }
    }
}
