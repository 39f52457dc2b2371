//! The gateway's data: what the other crates may ask of `postern.db`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use postern_domain::{DeviceId, DeviceStatus, Timestamp, WorkspaceId};

use super::audit::Audited;
use super::batches::BatchQueue;
use super::meters::StoreMeters;
use super::quota::QuotaExceeded;
use super::records::{Device, Refusal, RefusedMessage};
use super::tables::{log, workspaces};
use super::tally::Tally;
use crate::files;
use crate::sqlite::{Database, Schema, Tuning};
use crate::vault::{SecretsKey, Vault};
use crate::{OpenError, StoreError, sqlite};

pub(crate) const SCHEMA: Schema = Schema {
    name: "postern",
    // "PstD"
    application_id: 0x5073_7444,
    migrations: &[
        (
            "V1__gateway",
            include_str!("../../../../migrations/postern/V1__gateway.sql"),
        ),
        (
            "V2__sessions",
            include_str!("../../../../migrations/postern/V2__sessions.sql"),
        ),
        (
            "V3__batches",
            include_str!("../../../../migrations/postern/V3__batches.sql"),
        ),
        (
            "V4__retries",
            include_str!("../../../../migrations/postern/V4__retries.sql"),
        ),
        (
            "V5__search",
            include_str!("../../../../migrations/postern/V5__search.sql"),
        ),
        (
            "V6__analytics",
            include_str!("../../../../migrations/postern/V6__analytics.sql"),
        ),
        (
            "V7__pacing",
            include_str!("../../../../migrations/postern/V7__pacing.sql"),
        ),
        (
            "V8__events",
            include_str!("../../../../migrations/postern/V8__events.sql"),
        ),
        (
            "V9__webhooks",
            include_str!("../../../../migrations/postern/V9__webhooks.sql"),
        ),
        (
            "V10__house",
            include_str!("../../../../migrations/postern/V10__house.sql"),
        ),
        (
            "V11__operators",
            include_str!("../../../../migrations/postern/V11__operators.sql"),
        ),
        (
            "V12__vault",
            include_str!("../../../../migrations/postern/V12__vault.sql"),
        ),
        (
            "V13__acts",
            include_str!("../../../../migrations/postern/V13__acts.sql"),
        ),
        (
            "V14__plans",
            include_str!("../../../../migrations/postern/V14__plans.sql"),
        ),
        (
            "V15__successors",
            include_str!("../../../../migrations/postern/V15__successors.sql"),
        ),
        (
            "V16__attempts_by_event",
            include_str!("../../../../migrations/postern/V16__attempts_by_event.sql"),
        ),
    ],
    watched: Some(log::LAST),
};

/// The plan of a workspace that nobody is billed for.
const UNLIMITED: &str = "unlimited";

/// The gateway's data. Cheap to clone; clones share the writer and the readers.
///
/// All answers come after the commit; `now` is the time of the change.
#[derive(Clone)]
pub struct Store {
    pub(super) database: Audited,
    pub(super) batches: Arc<BatchQueue>,
    pub(super) vault: Arc<Vault>,
    pub(super) meters: Arc<StoreMeters>,
    idempotency_retention: Duration,
}

/// Where the files lie and how much work may wait.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The folder of `postern.db` and `keys.db`.
    pub data_dir: PathBuf,
    /// How many reader threads serve queries.
    pub readers: usize,
    /// How many writes may wait before [`StoreError::Overloaded`].
    pub write_queue: usize,
    /// For how long a request with an idempotency key of before is answered as it was, and not done again.
    pub idempotency_retention: Duration,
}

impl StoreOptions {
    /// The defaults, for the files in `data_dir`: 2 readers, 4096 writes, 24 hours.
    #[must_use]
    pub fn new(data_dir: impl AsRef<Path>) -> Self {
        Self {
            data_dir: data_dir.as_ref().to_owned(),
            readers: 2,
            write_queue: 4_096,
            idempotency_retention: Duration::from_hours(24),
        }
    }
}

/// An acceptance was refused; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The key was used before with another request.
    #[error("the idempotency key was used with another request")]
    IdempotencyConflict,
    /// The workspace has no such device.
    #[error("no such device")]
    UnknownDevice,
    /// The device cannot send now, and the message was not to be queued.
    #[error("the device cannot send now")]
    SessionDisconnected(DeviceStatus),
    /// The workspace has accepted as many in this month as it may.
    #[error("the workspace's messages of this month are used up")]
    QuotaExceeded(QuotaExceeded),
    /// The workspace may do nothing; this is why, in words for its members.
    #[error("the workspace is deactivated: {0}")]
    Deactivated(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for AcceptError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownDevice => Self::UnknownDevice,
            Refusal::SessionDisconnected(status) => Self::SessionDisconnected(status),
            Refusal::QuotaExceeded(exceeded) => Self::QuotaExceeded(exceeded),
            Refusal::Deactivated(reason) => Self::Deactivated(reason),
        }
    }
}

/// The acceptance of a batch was refused; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum AcceptBatchError {
    /// The key was used before with another request.
    #[error("the idempotency key was used with another request")]
    IdempotencyConflict,
    /// Some messages were refused and the batch was to be accepted whole, or no message is left. Lists what the store
    /// refused, in the order of the messages: nothing when all the refusals are the caller's.
    #[error("messages of the batch were refused")]
    Refused(Vec<RefusedMessage>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request to pair was refused.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// The workspace has no such device.
    #[error("no such device")]
    UnknownDevice,
    /// It is linked already; log it out first.
    #[error("the device is linked already")]
    AlreadyLinked(DeviceStatus),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was asked of a device was refused.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The workspace has no such device.
    #[error("no such device")]
    UnknownDevice,
    /// It makes no sense in the state the device is in.
    #[error("not in this state")]
    InvalidState(Box<Device>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Another device of the workspace is linked to it.
    #[error("{0} is linked to this account already")]
    AccountTaken(DeviceId),
    /// The device is gone.
    #[error("no such device")]
    UnknownDevice,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Opens or creates `postern.db`, migrates it, and starts its threads. Blocks.
    ///
    /// # Errors
    /// The folder or the file cannot be used, or a later version of Postern wrote it.
    pub fn open(options: &StoreOptions) -> Result<Self, OpenError> {
        Self::open_with(options, None)
    }

    /// The same with a configured key for the secrets of webhooks; without one it is that of the folder, made when there is
    /// none.
    ///
    /// # Errors
    /// As [`Self::open`], or the key's file cannot be used.
    pub fn open_with(options: &StoreOptions, key: Option<SecretsKey>) -> Result<Self, OpenError> {
        Self::opened(options, |folder| Vault::open(folder, key))
    }

    fn opened(
        options: &StoreOptions,
        vault: impl FnOnce(&Path) -> Result<Vault, OpenError>,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(&options.data_dir).map_err(|source| OpenError::File {
            path: options.data_dir.clone(),
            source,
        })?;
        let tuning = Tuning {
            readers: options.readers,
            write_queue: options.write_queue,
            // Every accept writes to the leaves of a dozen trees; the hot ones should stay in memory.
            writer_cache_kib: 64 << 10,
            ..Tuning::default()
        };
        let meters = Arc::<StoreMeters>::default();
        let path = options.data_dir.join(files::GATEWAY.name);
        let database = Database::deferring(&path, &SCHEMA, &tuning, Tally::new(Arc::clone(&meters)))?;
        Ok(Self {
            database: Audited::new(database),
            batches: Arc::default(),
            vault: Arc::new(vault(&options.data_dir)?),
            meters,
            idempotency_retention: options.idempotency_retention,
        })
    }

    /// Idempotency keys that were used before this do not count at `now`.
    #[must_use]
    pub fn forgotten_before(&self, now: Timestamp) -> Timestamp {
        now.before(self.idempotency_retention)
    }

    /// Opens a `postern.db` that exists and has the schema of this release, and changes nothing of it: beside a daemon that
    /// may be running on it. The secrets of webhooks stay closed. Blocks.
    ///
    /// # Errors
    /// There is none, or another release wrote it, or it cannot be used.
    pub fn open_current(options: &StoreOptions) -> Result<Self, OpenError> {
        sqlite::assert_current(&options.data_dir.join(files::GATEWAY.name), &SCHEMA)?;
        Self::opened(options, |_folder| Vault::closed())
    }

    /// Finishes what was queued and closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Whether a write commits; for readiness.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping_write(&self) -> Result<(), StoreError> {
        self.database.write(workspaces::touch).await
    }

    /// Whether a read answers; for readiness.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping_read(&self) -> Result<(), StoreError> {
        self.database.read(workspaces::first).await.map(drop)
    }

    /// The workspace of a self-hosted install: the first there is, made if there is none.
    ///
    /// # Errors
    /// The store failed.
    pub async fn first_workspace(&self, now: Timestamp) -> Result<WorkspaceId, StoreError> {
        self.database
            .write(move |tx| {
                if let Some(id) = workspaces::first(tx)? {
                    return Ok(id);
                }
                let id = WorkspaceId::generate();
                workspaces::insert(tx, id, "default", UNLIMITED, now)?;
                Ok(id)
            })
            .await
    }
}
