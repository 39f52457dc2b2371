//! What every follower is given.

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_runtime::{Clock, Stop, Wakes};
use postern_store::Store;

use crate::client::Client;
use crate::config::WebhooksConfig;
use crate::log::Log;
use crate::meters::WebhookMeters;

/// The parts of the gateway that deliveries work with.
pub(crate) struct Context {
    pub(crate) config: WebhooksConfig,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) client: Client,
    pub(crate) wakes: Wakes,
    pub(crate) clock: Arc<dyn Clock>,
    /// Pulled when all deliveries are to stop.
    pub(crate) stop: Stop,
    pub(crate) meters: Arc<WebhookMeters>,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
