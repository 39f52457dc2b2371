//! A workspace as the API shows it.

use postern_domain::Plan;
use serde::Serialize;
use utoipa::ToSchema;

/// A workspace: keys, devices, messages and webhooks belong to one, and nothing crosses it. Every field is always present;
/// what does not apply is `null`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Workspace {
    /// Its id.
    #[schema(example = "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D")]
    id: String,
    /// What it is called.
    #[schema(example = "ACME")]
    name: String,
    /// The name of its plan.
    #[schema(example = "growth")]
    plan: String,
    /// What the plan allows; `null` when the gateway's configuration has no such plan, and then nothing is allowed.
    #[schema(required)]
    limits: Option<Limits>,
    /// Since when and why nothing is accepted and nothing leaves; `null` while it is active.
    #[schema(required)]
    deactivated: Option<Deactivated>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// What a plan allows; `null` is no limit.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    /// Devices at a time.
    #[schema(required, example = 5)]
    devices: Option<u32>,
    /// Messages accepted in a calendar month (UTC).
    #[schema(required, example = 30_000)]
    messages_per_month: Option<u64>,
    /// Requests of one API key in a minute.
    #[schema(required, example = 500)]
    requests_per_minute: Option<u32>,
    /// Messages in one batch.
    #[schema(example = 1_000)]
    messages_per_batch: usize,
    /// Whether it may be used over this API.
    #[schema(example = true)]
    api: bool,
    /// Whether it may have webhooks.
    #[schema(example = true)]
    webhooks: bool,
}

/// Since when and why a workspace may do nothing.
#[derive(Serialize, ToSchema)]
struct Deactivated {
    /// Since when.
    #[schema(format = DateTime)]
    since: String,
    /// Why.
    #[schema(example = "unpaid invoice 2026-10")]
    reason: String,
}

impl Workspace {
    /// `plan` is what its plan allows, `batch_max` what the gateway allows in any batch.
    pub(super) fn new(workspace: postern_store::Workspace, plan: Option<Plan>, batch_max: usize) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            plan: workspace.plan,
            limits: plan.map(|plan| Limits {
                devices: plan.devices,
                messages_per_month: plan.messages_per_month,
                requests_per_minute: plan.requests_per_minute,
                messages_per_batch: plan.batch(batch_max),
                api: plan.api,
                webhooks: plan.webhooks,
            }),
            deactivated: workspace.deactivation.map(|deactivation| Deactivated {
                since: deactivation.since.to_rfc3339(),
                reason: deactivation.reason,
            }),
            created_at: workspace.created_at.to_rfc3339(),
        }
    }
}
