//! What every page shares: the store, the wake-ups, the clock, and who may come in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use postern_domain::{OperatorId, Pacing};
use postern_runtime::{Clock, Stop, Wakes};
use postern_store::{Act, Operator, Store, StoreError};
use tokio::sync::Semaphore;

use crate::sandbox::SandboxControl;
use crate::security::{Passwords, SetUp, Throttle};

/// How the dashboard treats those who use it.
#[derive(Debug, Clone)]
pub struct DashboardConfig {
    /// After how long without a request an operator is logged out; 12 hours unless told.
    pub idle: Duration,
    /// After how long an operator is logged out anyway; 7 days unless told.
    pub absolute: Duration,
    /// How long the link for the first operator is good for; 1 hour unless told.
    pub set_up: Duration,
    /// How many pages may be live at once; 200 unless told.
    pub streams: usize,
    /// Who may say for whom a request is made (`X-Forwarded-For`, `-Proto`, `-Host`); nobody unless told.
    pub trusted_proxies: Vec<IpNet>,
    /// How fast a device sends that has no pacing of its own.
    pub default_pacing: Pacing,
}

impl Default for DashboardConfig {
    fn default() -> Self {
        Self {
            idle: Duration::from_hours(12),
            absolute: Duration::from_hours(7 * 24),
            set_up: Duration::from_hours(1),
            streams: 200,
            trusted_proxies: Vec::new(),
            default_pacing: Pacing::OFF,
        }
    }
}

/// The dashboard's state, one for all workers.
pub struct Dashboard {
    pub(crate) store: Store,
    pub(crate) wakes: Wakes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: DashboardConfig,
    /// Pulled when the daemon shuts down; streams then end.
    pub(crate) stop: Stop,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) set_up: SetUp,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) sandbox: Option<Arc<dyn SandboxControl>>,
}

impl Dashboard {
    /// A dashboard over `store`; with a sandbox it has a page to play its phones and contacts.
    #[must_use]
    pub fn new(
        store: Store,
        wakes: Wakes,
        clock: Arc<dyn Clock>,
        config: DashboardConfig,
        stop: Stop,
        sandbox: Option<Arc<dyn SandboxControl>>,
    ) -> Self {
        Self {
            store,
            wakes,
            clock,
            stop,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            set_up: SetUp::default(),
            streams: Arc::new(Semaphore::new(config.streams)),
            sandbox,
            config,
        }
    }

    /// The path that makes the first operator, while there is none: good once, for the configured time.
    ///
    /// # Errors
    /// The store failed.
    pub async fn set_up_path(&self) -> Result<Option<String>, StoreError> {
        if self.store.has_operators().await? {
            return Ok(None);
        }
        let until = self.clock.now().after(self.config.set_up);
        Ok(Some(format!("/setup?token={}", self.set_up.issue(until))))
    }

    /// The store as this operator writes to it.
    pub(crate) fn acting(
        &self,
        operator: &Operator,
        action: &'static str,
        target: impl fmt::Display,
    ) -> Store {
        self.store.acting(self.act(operator, action, target, ""))
    }

    /// An act of an operator, for the audit trail.
    pub(crate) fn act(
        &self,
        operator: &Operator,
        action: &'static str,
        target: impl fmt::Display,
        details: impl fmt::Display,
    ) -> Act {
        Act {
            workspace: operator.workspace,
            at: self.clock.now(),
            actor: operator.id,
            actor_name: operator.name.clone(),
            action,
            target: target.to_string(),
            details: details.to_string(),
        }
    }

    /// An operator that is about to be stored, as the author of that.
    pub(crate) fn first_act(
        &self,
        workspace: postern_domain::WorkspaceId,
        id: OperatorId,
        name: &str,
    ) -> Act {
        Act {
            workspace,
            at: self.clock.now(),
            actor: id,
            actor_name: name.to_owned(),
            action: "operator.set_up",
            target: id.to_string(),
            details: String::new(),
        }
    }
}

impl fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dashboard")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
