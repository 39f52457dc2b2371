//! What every page shares: the store, the wake-ups, the clock, and who may come in.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::webhook::WebhookProbe;
use postern_domain::{KeyKind, Network, OperatorId, Pacing, Plan};
use postern_runtime::{Clock, Stop, Tasks, Wakes};
use postern_store::{Act, Actor, Operator, Store, StoreError};
use tokio::sync::Semaphore;

use crate::Setting;
use crate::failure::Failure;
use crate::guard::Person;
use crate::sandbox::SandboxControl;
use crate::security::{Passwords, SetUp, Throttle};

/// How many webhook endpoints are waited for at once: each holds a connection here and one there.
const MOST_PROBES: usize = 4;

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
    pub trusted_proxies: Vec<Network>,
    /// How fast a device sends that has no pacing of its own.
    pub default_pacing: Pacing,
    /// Which API keys it hands out.
    pub key_kind: KeyKind,
    /// The plans there are, by their names; only `unlimited` unless told.
    pub plans: BTreeMap<String, Plan>,
    /// Whether a webhook endpoint may be registered without answering a challenge; not unless told.
    pub unverified_webhooks: bool,
    /// The daemon's settings, without secrets, in the order of their names.
    pub settings: Vec<Setting>,
    /// What runs, and in which version.
    pub versions: Vec<(String, String)>,
    /// Where the databases lie.
    pub data_dir: PathBuf,
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
            key_kind: KeyKind::Live,
            plans: BTreeMap::from([("unlimited".to_owned(), Plan::UNLIMITED)]),
            unverified_webhooks: false,
            settings: Vec::new(),
            versions: Vec::new(),
            data_dir: PathBuf::new(),
        }
    }
}

/// The parts of the gateway that the dashboard talks to.
pub struct DashboardParts {
    /// The gateway's data.
    pub store: Store,
    /// Whom to wake after a commit.
    pub wakes: Wakes,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Pulled when the daemon shuts down.
    pub stop: Stop,
    /// Talks to webhook endpoints while somebody waits.
    pub probe: Arc<dyn WebhookProbe>,
    /// Called after API keys or workspaces were changed: whoever remembers them has to forget them.
    pub access_changed: Arc<dyn Fn() + Send + Sync>,
    /// The simulated network, where there is one.
    pub sandbox: Option<Arc<dyn SandboxControl>>,
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
    pub(crate) probe: Arc<dyn WebhookProbe>,
    /// A permit for each endpoint that is waited for.
    pub(crate) probing: Semaphore,
    access_changed: Arc<dyn Fn() + Send + Sync>,
}

impl Dashboard {
    /// A dashboard over these parts; with a sandbox it has a page to play its phones and contacts.
    #[must_use]
    pub fn new(parts: DashboardParts, config: DashboardConfig) -> Self {
        Self {
            store: parts.store,
            wakes: parts.wakes,
            clock: parts.clock,
            stop: parts.stop,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            set_up: SetUp::default(),
            streams: Arc::new(Semaphore::new(config.streams)),
            sandbox: parts.sandbox,
            probe: parts.probe,
            probing: Semaphore::new(MOST_PROBES),
            access_changed: parts.access_changed,
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

    /// Writes a change of API keys or workspaces and says so, also when the browser is gone meanwhile.
    pub(crate) async fn change_access<T, E>(
        &self,
        change: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        E: Into<Failure> + Send + 'static,
    {
        let changed = Arc::clone(&self.access_changed);
        let task = Tasks::new().spawn("change of access", async move {
            let outcome = change.await;
            changed();
            outcome
        });
        match task.await {
            Ok(Ok(outcome)) => outcome.map_err(Into::into),
            Ok(Err(panicked)) => Err(Failure::Internal(panicked.to_string())),
            Err(aborted) => Err(Failure::Internal(aborted.to_string())),
        }
    }

    /// The store as this person writes to it, in the workspace that is looked at.
    pub(crate) fn acting(&self, person: &Person, action: &'static str, target: impl fmt::Display) -> Store {
        self.store.acting(self.act(person, action, target, ""))
    }

    /// An act of somebody in the workspace that is looked at, for the audit trail.
    pub(crate) fn act(
        &self,
        person: &Person,
        action: &'static str,
        target: impl fmt::Display,
        details: impl fmt::Display,
    ) -> Act {
        Act {
            workspace: person.workspace(),
            ..self.act_of(&person.operator, action, target, details)
        }
    }

    /// An act of an operator that is about operators.
    pub(crate) fn act_of(
        &self,
        operator: &Operator,
        action: &'static str,
        target: impl fmt::Display,
        details: impl fmt::Display,
    ) -> Act {
        Act {
            workspace: operator.workspace,
            at: self.clock.now(),
            actor: Actor::Operator {
                id: operator.id,
                name: operator.name.clone(),
            },
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
            actor: Actor::Operator {
                id,
                name: name.to_owned(),
            },
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
