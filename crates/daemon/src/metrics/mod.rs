//! What the gateway does in numbers, for Prometheus and whoever else reads OpenMetrics.
//!
//! The parts count for themselves, in atomics that know no names; this is where the numbers are gathered, named and
//! rendered when somebody asks. What lies in the tables is looked up then, once a second at most and with a deadline: a
//! store that does not answer takes its levels out of the answer, and nothing else.
//!
//! No label is ever made of a phone number, an id or a text: each comes from a fixed set.

mod endpoint;
mod families;
mod family;
mod gather;
mod process;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern_api::RequestMeters;
use postern_domain::Timestamp;
use postern_store::{KeyStore, Levels, Store};
use postern_webhooks::WebhookMeters;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

pub(crate) use self::endpoint::{configure, serve};

/// For how long what was found in the tables is good.
const FRESH: Duration = Duration::from_secs(1);
/// How long the tables may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the numbers are.
pub(crate) struct Metrics {
    pub(crate) store: Store,
    pub(crate) keys: KeyStore,
    pub(crate) requests: Arc<RequestMeters>,
    pub(crate) webhooks: Arc<WebhookMeters>,
    /// The folder of the databases.
    pub(crate) data: PathBuf,
    /// When the daemon started.
    pub(crate) started: Timestamp,
    /// What was found in the tables, if they answered, and when.
    pub(crate) levels: Mutex<Option<(Instant, Option<Levels>)>>,
}

impl Metrics {
    /// Everything there is to say now, in the text format of OpenMetrics.
    pub(crate) async fn render(&self) -> Result<String, std::fmt::Error> {
        let levels = self.levels().await;
        family::render(gather::all(self, levels.as_ref()))
    }

    /// One look serves all who ask at the same time, also one in vain.
    async fn levels(&self) -> Option<Levels> {
        let mut known = self.levels.lock().await;
        if let Some((at, levels)) = known.as_ref()
            && at.elapsed() < FRESH
        {
            return levels.clone();
        }
        let found = match timeout(PATIENCE, self.store.levels()).await {
            Ok(Ok(levels)) => Some(levels),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the metrics are without what is in the tables");
                None
            }
            Err(_elapsed) => None,
        };
        *known = Some((Instant::now(), found.clone()));
        found
    }
}
