//! What happens by the clock: scheduled messages become due, and what is old is forgotten.

use std::sync::Arc;
use std::time::Duration;

use postern_store::{StoreError, Swept};
use tokio::time::Instant;

use crate::context::Context;

/// How exactly scheduled messages leave on time.
const TICK: Duration = Duration::from_millis(500);
/// How often what is old is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Messages made due in one transaction.
const STEP: usize = 500;
/// After each step of a sweep others have the store for so many times as long as the step took.
const COURTESY: u32 = 4;

/// Runs until stopped. A failure is logged and tried again at the next tick.
pub(crate) async fn run(context: Arc<Context>) {
    loop {
        if let Err(error) = promote(&context).await {
            tracing::warn!(%error, "scheduled messages could not be looked for");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = context.stop.pulled() => return,
        }
    }
}

/// The same for what is old.
pub(crate) async fn forget(context: Arc<Context>) {
    loop {
        if let Err(error) = sweep(&context).await {
            tracing::warn!(%error, "what is old could not be deleted");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
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

/// Forgets what is old, with a pause after each step, so that it is never in anybody's way.
async fn sweep(context: &Context) -> Result<(), StoreError> {
    let config = &context.config;
    for what in Swept::ALL {
        let now = context.now();
        let before = |kept_for: Option<Duration>| kept_for.map(|kept_for| now.before(kept_for));
        let before = match what {
            Swept::IdempotencyRecords => Some(context.store.forgotten_before(now)),
            Swept::Messages | Swept::Batches => before(config.message_retention),
            Swept::Events | Swept::ParkedDeliveries => before(config.event_retention),
            Swept::Attempts => before(config.attempt_retention),
            Swept::Acts => before(config.act_retention),
        };
        let Some(before) = before else {
            continue;
        };
        let mut from = Some(0);
        while let Some(place) = from {
            let started = Instant::now();
            from = context.store.sweep(what, before, place).await?;
            tokio::select! {
                () = tokio::time::sleep(started.elapsed() * COURTESY) => {}
                () = context.stop.pulled() => return Ok(()),
            }
        }
    }
    context.wakes.outbox.prune();
    context.wakes.shown.prune();
    Ok(())
}
