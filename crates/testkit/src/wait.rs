//! Retry until it is so, instead of sleeping and hoping.

use std::future::Future;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;

/// How long anything may take before a test gives up: far beyond what it takes on a busy machine.
///
/// The slowest thing waited for is a client that notices a dead link: whatsapp-rust may ask the server only 45 s after
/// it last heard of it, and waits 20 s for the answer.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// Calls `look` until it answers `Some`, and gives up after [`DEADLINE`] with what was waited for.
///
/// # Errors
/// The deadline passed, or `look` failed for good.
pub async fn eventually<T, F, Fut>(what: &str, mut look: F) -> anyhow::Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = anyhow::Result<Option<T>>>,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look()
            .await
            .with_context(|| format!("while waiting until {what}"))?
        {
            return Ok(found);
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "waited {DEADLINE:?} in vain until {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
