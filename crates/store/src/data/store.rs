//! The gateway's data: what the other crates may ask of `postern.db`.

use std::path::PathBuf;

use postern_domain::port::Inbound;
use postern_domain::session::Signal;
use postern_domain::{Account, DeviceId, DeviceStatus, Event, Intent, MessageId, Timestamp, WorkspaceId};

use super::records::{
    Accepted, ApiKey, Claimed, Device, IdempotencyKey, Message, MessageFilter, NewApiKey, NewMessage,
    Outcome, Page, PageStart, PairingRequest, ShownCode,
};
use crate::{OpenError, StoreError};

/// The gateway's data. Cheap to clone; clones share the writer and the readers.
#[derive(Clone)]
pub struct Store {}

/// Where the files lie and how much work may wait.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The folder of `postern.db` and `keys.db`.
    pub data_dir: PathBuf,
    /// How many reader threads serve queries.
    pub readers: usize,
    /// How many writes may wait before [`StoreError::Overloaded`].
    pub write_queue: usize,
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

/// All answers come after the commit; `now` is the time of the change.
impl Store {
    /// Opens or creates `postern.db`, migrates it, and starts its threads. Blocks.
    pub fn open(_options: &StoreOptions) -> Result<Self, OpenError> {
        unimplemented!()
    }
    /// Finishes what was queued and closes the file.
    pub async fn close(&self) {
        unimplemented!()
    }

    // workspaces and keys
    /// The workspace of a self-hosted install: the first there is, made if there is none.
    pub async fn first_workspace(&self, _now: Timestamp) -> Result<WorkspaceId, StoreError> {
        unimplemented!()
    }
    /// Stores a key; `false` when one with the same hash is stored already.
    pub async fn add_api_key(&self, _key: NewApiKey, _now: Timestamp) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// Whether the workspace has any key.
    pub async fn has_api_keys(&self, _workspace: WorkspaceId) -> Result<bool, StoreError> {
        unimplemented!()
    }
    /// The key with this SHA-256.
    pub async fn api_key(&self, _hash: [u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        unimplemented!()
    }

    // devices, as the API sees them: those with intent `removed` do not exist
    /// Creates an unlinked device.
    pub async fn create_device(
        &self,
        _workspace: WorkspaceId,
        _id: DeviceId,
        _name: String,
        _now: Timestamp,
    ) -> Result<Device, StoreError> {
        unimplemented!()
    }
    /// One device.
    pub async fn device(&self, _workspace: WorkspaceId, _id: DeviceId) -> Result<Option<Device>, StoreError> {
        unimplemented!()
    }
    /// Newest first.
    pub async fn devices(
        &self,
        _workspace: WorkspaceId,
        _limit: usize,
        _after: Option<DeviceId>,
    ) -> Result<(Vec<Device>, Option<DeviceId>), StoreError> {
        unimplemented!()
    }
    /// Writes what the operator wants; `None` when there is no such device.
    pub async fn set_intent(
        &self,
        _workspace: WorkspaceId,
        _id: DeviceId,
        _intent: Intent,
    ) -> Result<Option<Device>, StoreError> {
        unimplemented!()
    }
    /// Asks for pairing; sets the intent to `linked`. A request while one is being served starts it anew.
    pub async fn request_pairing(
        &self,
        _workspace: WorkspaceId,
        _id: DeviceId,
        _phone: Option<postern_domain::PhoneNumber>,
    ) -> Result<PairingRequest, PairingError> {
        unimplemented!()
    }
    /// The code on show that is valid at `now`.
    pub async fn shown_code(
        &self,
        _workspace: WorkspaceId,
        _id: DeviceId,
        _now: Timestamp,
    ) -> Result<Option<ShownCode>, StoreError> {
        unimplemented!()
    }

    // devices, as the session manager sees them
    /// Every device there is, those to be removed included.
    pub async fn all_devices(&self) -> Result<Vec<Device>, StoreError> {
        unimplemented!()
    }
    /// One device, whatever its workspace.
    pub async fn session_device(&self, _id: DeviceId) -> Result<Option<Device>, StoreError> {
        unimplemented!()
    }
    /// Applies a signal to the device's state machine; an event is appended when state or reason change.
    ///
    /// Signals that end pairing (`CodesExhausted`, `PairingFailed`) clear the request and the code on show;
    /// `LoggedOut` and `AccountRemoved` clear `linked`, and `messages_left` is decided here, from the outbox.
    pub async fn signal(
        &self,
        _id: DeviceId,
        _signal: Signal,
        _now: Timestamp,
    ) -> Result<Option<DeviceStatus>, StoreError> {
        unimplemented!()
    }
    /// Puts a code on show and signals it.
    pub async fn show_code(
        &self,
        _id: DeviceId,
        _code: ShownCode,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// Records the account the device was linked to, clears the request and the code, and signals `Paired`.
    pub async fn link_account(
        &self,
        _id: DeviceId,
        _account: Account,
        _now: Timestamp,
    ) -> Result<(), LinkError> {
        unimplemented!()
    }
    /// Records the account's display name.
    pub async fn set_push_name(&self, _id: DeviceId, _push_name: String) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// Forgets a device whose keys are wiped: its row and its outbox go, its waiting messages become `canceled`,
    /// its messages and events stay.
    pub async fn forget_device(&self, _id: DeviceId, _now: Timestamp) -> Result<(), StoreError> {
        unimplemented!()
    }

    // messages
    /// Accepts a message: its row, outbox entry, idempotency record and event in one transaction.
    ///
    /// An earlier acceptance with the same idempotency key is looked up first.
    pub async fn accept(
        &self,
        _message: NewMessage,
        _idempotency: Option<IdempotencyKey>,
        _now: Timestamp,
    ) -> Result<Accepted, AcceptError> {
        unimplemented!()
    }
    /// One message with its timeline.
    pub async fn message(
        &self,
        _workspace: WorkspaceId,
        _id: MessageId,
    ) -> Result<Option<Message>, StoreError> {
        unimplemented!()
    }
    /// Newest first. Timelines are included.
    pub async fn messages(
        &self,
        _workspace: WorkspaceId,
        _filter: MessageFilter,
        _limit: usize,
        _start: Option<PageStart>,
    ) -> Result<Page<Message>, StoreError> {
        unimplemented!()
    }
    /// Commits received messages, in order, with their events; those known already are folded. Answers how many were new.
    pub async fn receive(
        &self,
        _device: DeviceId,
        _batch: Vec<Inbound>,
        _now: Timestamp,
    ) -> Result<usize, StoreError> {
        unimplemented!()
    }

    // the outbox
    /// Takes up to `limit` messages whose turn it is and marks them `processing`, in the order of acceptance.
    ///
    /// A message that waits for its retry holds back later ones of its chat. One without a word from the
    /// server by `ack_deadline` comes again, with the same stanza id. Messages of another account than the
    /// one the device is linked to now are passed over.
    pub async fn claim(
        &self,
        _device: DeviceId,
        _limit: usize,
        _ack_deadline: Timestamp,
        _now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        unimplemented!()
    }
    /// Makes everything in flight due at once: its connection is gone and the outcome unknown.
    pub async fn release_claims(&self, _device: DeviceId, _now: Timestamp) -> Result<usize, StoreError> {
        unimplemented!()
    }
    /// When the next message of the device becomes due; `None` when its outbox is empty.
    pub async fn next_due(&self, _device: DeviceId) -> Result<Option<Timestamp>, StoreError> {
        unimplemented!()
    }
    /// Records what was learned, in one transaction, never backwards; outcomes of unknown stanzas are ignored.
    pub async fn record(
        &self,
        _device: DeviceId,
        _outcomes: Vec<Outcome>,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }
    /// Moves scheduled messages whose time has come into the outbox's ready lane; answers their devices.
    pub async fn promote_scheduled(
        &self,
        _now: Timestamp,
        _limit: usize,
    ) -> Result<Vec<DeviceId>, StoreError> {
        unimplemented!()
    }

    // events
    /// Events of the whole daemon after `seq`, oldest first.
    pub async fn events_after(&self, _seq: u64, _limit: usize) -> Result<Vec<Event>, StoreError> {
        unimplemented!()
    }
    /// Deletes idempotency records made before `before`, at most `limit`; answers how many.
    pub async fn sweep_idempotency(&self, _before: Timestamp, _limit: usize) -> Result<usize, StoreError> {
        unimplemented!()
    }
    /// Whether a write commits and a read answers; for readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}
