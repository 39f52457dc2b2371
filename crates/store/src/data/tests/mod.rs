//! What the gateway's data promises, asked of the store as the other crates ask it.

mod accept;
mod acts;
mod analytics;
mod api_keys;
mod batches;
mod claim;
mod cost;
mod counted;
mod deliveries;
mod devices;
mod events;
mod history;
mod model;
mod operators;
mod parked;
mod receive;
mod record;
mod sealing;
mod search;
mod sweep;
mod webhooks;
mod workspaces;

use std::sync::atomic::{AtomicU64, Ordering};

use postern_domain::port::ReceiptKind;
use postern_domain::session::Signal;
use postern_domain::{
    Account, Address, Content, DeviceId, DeviceStatus, Event, FailureCode, MessageId, MessageStatus,
    PhoneNumber, StanzaId, Timestamp, WorkspaceId,
};
use tempfile::TempDir;

use super::*;

/// A store in a folder of its own, with one linked and connected device.
struct Fixture {
    folder: TempDir,
    store: Store,
    workspace: WorkspaceId,
    device: DeviceId,
    stanzas: AtomicU64,
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn number(digits: &str) -> PhoneNumber {
    PhoneNumber::from_digits(digits).expect("a phone number")
}

fn account(digits: &str) -> Account {
    Account {
        phone: number(digits),
        lid: None,
        companion: 3,
        push_name: Some("Ada".to_owned()),
        platform: Some("android".to_owned()),
    }
}

/// The address of one of ten million contacts.
fn chat(index: usize) -> Address {
    Address::Phone(number(&format!("1555{index:07}")))
}

fn open(folder: &TempDir) -> Store {
    Store::open(&StoreOptions::new(folder.path())).expect("a store")
}

impl Fixture {
    /// Everything here happens at 0, and leaves no events to count.
    async fn new() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder")).await
    }

    /// The same in memory, where there is such a place: for many commits that are about anything but the disk.
    async fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_none| tempfile::tempdir());
        Self::in_folder(folder.expect("a folder")).await
    }

    async fn in_folder(folder: TempDir) -> Self {
        let store = open(&folder);
        let workspace = store.first_workspace(at(0)).await.expect("a workspace");
        let fixture = Self {
            folder,
            store,
            workspace,
            device: DeviceId::generate(),
            stanzas: AtomicU64::new(0),
        };
        fixture.add_device(fixture.device, "15550000001").await;
        fixture
    }

    async fn add_device(&self, id: DeviceId, phone: &str) {
        let store = &self.store;
        store
            .create_device(self.workspace, id, "till".to_owned(), at(0))
            .await
            .expect("a device");
        store
            .link_account(id, account(phone), at(0))
            .await
            .expect("linked");
        store
            .signal(id, Signal::Connected, at(0))
            .await
            .expect("connected");
    }

    fn message(&self, to: usize) -> NewMessage {
        let number = self.stanzas.fetch_add(1, Ordering::Relaxed);
        NewMessage {
            id: MessageId::generate(),
            workspace: self.workspace,
            device: self.device,
            to: chat(to),
            content: Content::Text {
                body: format!("body {number}"),
            },
            stanza: StanzaId::from(format!("OUT{number}")),
            metadata: None,
            client_reference: None,
            scheduled_for: None,
            queue_if_disconnected: false,
        }
    }

    /// Accepts a message and answers it.
    async fn accept(&self, to: usize, now: i64) -> NewMessage {
        let message = self.message(to);
        self.accept_this(&message, now).await;
        message
    }

    async fn accept_this(&self, message: &NewMessage, now: i64) {
        let accepted = self.store.accept(message.clone(), None, at(now)).await;
        assert_eq!(accepted.expect("accepted"), Accepted::New);
    }

    /// Claims with a deadline 1 000 ms later; answers the stanza ids.
    async fn claim(&self, limit: usize, now: i64) -> Vec<String> {
        self.store
            .claim(self.device, limit, at(now + 1_000), at(now))
            .await
            .expect("a claim")
            .into_iter()
            .map(|claimed| claimed.stanza.to_string())
            .collect()
    }

    async fn record(&self, outcome: Outcome, now: i64) {
        self.store
            .record(self.device, vec![outcome], at(now))
            .await
            .expect("recorded");
    }

    async fn next_due(&self) -> Option<i64> {
        let due = self.store.next_due(self.device).await.expect("an answer");
        due.map(Timestamp::as_millis)
    }

    async fn stored(&self, id: MessageId) -> Message {
        let found = self.store.message(self.workspace, id).await.expect("an answer");
        found.expect("a message")
    }

    /// The statuses a message went through.
    async fn steps(&self, id: MessageId) -> Vec<&'static str> {
        let timeline = self.stored(id).await.timeline;
        timeline.into_iter().map(|entry| entry.status.name()).collect()
    }

    async fn observed(&self, id: DeviceId) -> Device {
        let found = self.store.session_device(id).await.expect("an answer");
        found.expect("a device")
    }

    async fn ask(&self, id: DeviceId, request: DeviceRequest) -> Result<Device, RequestError> {
        self.store.request(self.workspace, id, request).await
    }

    async fn remove(&self, id: DeviceId, purge: bool) {
        let removed = self.ask(id, DeviceRequest::Remove { purge }).await;
        assert_eq!(removed.expect("removed").purge, purge);
    }

    async fn log_out(&self, now: i64) -> DeviceStatus {
        let logged_out = Signal::LoggedOut { messages_left: false };
        let status = self.store.signal(self.device, logged_out, at(now)).await;
        status.expect("signalled").expect("a device")
    }

    async fn link(&self, phone: &str, now: i64) {
        let linked = self.store.link_account(self.device, account(phone), at(now));
        linked.await.expect("linked");
    }

    /// All events since the device was connected.
    async fn events(&self) -> Vec<Event> {
        let mut events = self.store.events_after(0, 100_000).await.expect("events");
        events.retain(|event| event.at != at(0));
        events
    }

    async fn event_names(&self) -> Vec<&'static str> {
        self.events()
            .await
            .iter()
            .map(|event| event.kind.name())
            .collect()
    }

    /// Closes the file and opens it again.
    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = open(&self.folder);
    }
}

fn acked(stanza: &str) -> Outcome {
    Outcome::Acked {
        stanza: StanzaId::from(stanza.to_owned()),
    }
}

fn receipt(stanza: &str, kind: ReceiptKind) -> Outcome {
    Outcome::Receipt {
        stanza: StanzaId::from(stanza.to_owned()),
        kind,
    }
}

fn retry(stanza: &str, time: i64) -> Outcome {
    Outcome::Retry {
        stanza: StanzaId::from(stanza.to_owned()),
        at: at(time),
        detail: "timed out".to_owned(),
    }
}

fn failed(stanza: &str) -> Outcome {
    Outcome::Failed {
        stanza: StanzaId::from(stanza.to_owned()),
        code: FailureCode::NotOnWhatsApp,
        text: "nobody there".to_owned(),
    }
}
