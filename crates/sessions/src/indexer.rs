//! Makes messages findable by their words, behind the writes that store them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::context::Context;

/// How soon a message can be found when there is nothing else to do.
const TICK: Duration = Duration::from_millis(500);
/// After each step others have the store for so many times as long as the step took, their own waiting included: the more
/// they have to do, the slower this goes.
const COURTESY: u32 = 4;

/// Runs until stopped. A failure is logged and tried again at the next tick.
pub(crate) async fn run(context: Arc<Context>) {
    loop {
        let started = Instant::now();
        let pause = match context.store.index_messages().await {
            Ok(true) => started.elapsed() * COURTESY,
            Ok(false) => TICK,
            Err(error) => {
                tracing::warn!(%error, "messages could not be indexed");
                TICK
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.stop.pulled() => return,
        }
    }
}
