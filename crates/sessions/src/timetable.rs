//! What happens by the clock: scheduled messages become due, old idempotency records go.

use std::sync::Arc;
use std::time::Duration;

use postern_store::StoreError;

use crate::context::Context;

/// How exactly scheduled messages leave on time.
const TICK: Duration = Duration::from_millis(500);
/// Every how many ticks old records are looked for: once a minute.
const SWEEP_EVERY: u64 = 120;
/// Rows moved or deleted in one transaction.
const STEP: usize = 500;

/// Runs until stopped. A failure is logged and tried again at the next tick.
pub(crate) async fn run(context: Arc<Context>) {
    let mut ticks: u64 = 0;
    loop {
        if let Err(error) = promote(&context).await {
            tracing::warn!(%error, "scheduled messages could not be looked for");
        }
        if ticks.is_multiple_of(SWEEP_EVERY)
            && let Err(error) = sweep(&context).await
        {
            tracing::warn!(%error, "old idempotency records could not be deleted");
        }
        ticks += 1;
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = context.stop.pulled() => return,
        }
    }
}

async fn promote(context: &Context) -> Result<(), StoreError> {
    loop {
        let devices = context.store.promote_scheduled(context.now(), STEP).await?;
        if devices.is_empty() {
            return Ok(());
        }
        for device in devices {
            context.wakes.outbox.ring(&device);
        }
    }
}

async fn sweep(context: &Context) -> Result<(), StoreError> {
    let retention = i64::try_from(context.config.idempotency_retention.as_millis()).unwrap_or(i64::MAX);
    let before = postern_domain::Timestamp::from_millis(context.now().as_millis().saturating_sub(retention));
    while context.store.sweep_idempotency(before, STEP).await? == STEP {}
    context.wakes.outbox.prune();
    context.wakes.shown.prune();
    Ok(())
}
