//! Webhooks: delivers the events of the log to the endpoints that want them.
//!
//! The log is the queue. A supervisor keeps one task for every enabled endpoint; that task reads the log from the endpoint's
//! position on, signs what is wanted, sends it, and records what came of it together with the position. An event whose first
//! try fails gets a row of its own and comes again by a schedule of more than three days; then it is parked until somebody
//! asks for it. An endpoint that only fails is left alone for longer and longer, found out by one event at a time, and disabled
//! after days; what it misses meanwhile is no row anywhere, only its position in the log.
//!
//! Deliveries are made at least once, under ids that stay: what was under way when the process died is in no record and
//! is sent again. Everything that is in memory is bounded.
//!
//! Where requests may go is decided by the `guard`, in the resolver that the client dials with.

mod client;
mod config;
mod context;
mod follower;
mod guard;
mod log;
mod meters;
mod probe;
mod retry_after;
mod schedule;
mod signature;
mod supervisor;
mod target;
#[cfg(test)]
mod tests;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use postern_domain::webhook::WebhookProbe;
use postern_runtime::{Clock, Pulse, Stop, Tasks, Wakes};
use postern_store::Store;
use tokio::time::timeout;

use crate::client::Client;
pub use crate::config::WebhooksConfig;
use crate::context::Context;
pub use crate::guard::{Allowed, NotAllowable};
use crate::log::Log;
pub use crate::meters::WebhookMeters;
use crate::probe::Probe;
pub use crate::schedule::Schedule;

/// Followers say good-bye sooner than this.
const STOPPED_BY: Duration = Duration::from_secs(10);

/// Deliveries cannot be made at all.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// The client cannot be built.
    #[error("the HTTP client of webhooks cannot be built: {0}")]
    Client(String),
}

/// The running deliveries to all endpoints.
pub struct Webhooks {
    tasks: Tasks,
    stop: Stop,
    probe: Arc<dyn WebhookProbe>,
    meters: Arc<WebhookMeters>,
    pulse: Pulse,
}

impl Webhooks {
    /// Starts the deliveries to every enabled endpoint. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// See [`WebhooksError`].
    pub fn start(
        config: WebhooksConfig,
        store: Store,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, WebhooksError> {
        let (tasks, stop) = (Tasks::new(), Stop::new());
        let client = Client::new(&config, Arc::clone(&clock))?;
        let probe = Probe {
            client: client.clone(),
            clock: Arc::clone(&clock),
        };
        let meters = Arc::<WebhookMeters>::default();
        let context = Context {
            log: Log::new(store.clone()),
            config,
            store,
            client,
            wakes,
            clock,
            stop: stop.clone(),
            meters: Arc::clone(&meters),
        };
        // Its panic is logged by `Tasks`, and `stop` waits for it.
        let pulse = tasks.spawn_vital(
            "webhook supervisor",
            supervisor::run(Arc::new(context), tasks.clone()),
        );
        Ok(Self {
            tasks,
            stop,
            probe: Arc::new(probe),
            meters,
            pulse,
        })
    }

    /// What the API asks endpoints with.
    #[must_use]
    pub fn probe(&self) -> Arc<dyn WebhookProbe> {
        Arc::clone(&self.probe)
    }

    /// What was counted of deliveries.
    #[must_use]
    pub fn meters(&self) -> Arc<WebhookMeters> {
        Arc::clone(&self.meters)
    }

    /// The task that has to run for as long as the daemon does.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Stops all deliveries. What is under way may take 3 s more; what is not done by then is made again at the next start.
    pub async fn stop(self) {
        self.stop.pull();
        if timeout(STOPPED_BY, self.tasks.ended()).await.is_err() {
            tracing::error!("some deliveries did not stop in time");
        }
    }
}
