//! When a message has waited too long to be sent.

use postern_domain::{MessageStatus, Timestamp, WorkspaceId};
use postern_store::{Claimed, StoreError};

use crate::context::Context;

/// Whether a message waited too long.
///
/// A scheduled message, or one that was put back by hand, is as old as its last turn to be sent, which its timeline
/// knows. Only what looks too old is looked up.
pub(crate) async fn is_too_old(
    context: &Context,
    workspace: WorkspaceId,
    message: &Claimed,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let max_age = context.config.max_age;
    if now.since(message.accepted_at) <= max_age {
        return Ok(false);
    }
    let stored = context.store.message(workspace, message.id).await?;
    let queued_at = stored.and_then(|message| {
        let mut steps = message.timeline.into_iter().rev();
        let queued = steps.find(|step| step.status == MessageStatus::Queued)?;
        Some(queued.at)
    });
    Ok(now.since(queued_at.unwrap_or(message.accepted_at)) > max_age)
}
