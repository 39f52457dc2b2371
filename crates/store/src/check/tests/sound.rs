//! A folder with something of everything that checks look at.

use std::path::PathBuf;

use postern_domain::port::Inbound;
use postern_domain::session::Signal;
use postern_domain::webhook::{AttemptFailure, AttemptOutcome, EventTypes, WebhookSecret};
use postern_domain::{
    Account, Address, Content, DeviceId, Event, MessageId, PhoneNumber, StanzaId, Timestamp, WebhookId,
    WorkspaceId,
};
use tempfile::TempDir;
use wacore::store::Device as Keys;
use wacore_binary::Jid;

use super::super::*;
use crate::{
    DeliveryProgress, DeliveryResult, EndpointHealth, IdempotencyKey, KeyStore, KeyStoreOptions, NewMessage,
    NewWebhook, Outcome, Recorded, ReplayRequest, Store, StoreOptions, Then,
};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn number(digits: &str) -> PhoneNumber {
    PhoneNumber::from_digits(digits).expect("a number")
}

/// The account of the device, which its keys log in to.
const OWNER: &str = "15550000001";

/// A folder with something of everything that checks look at, and no daemon.
pub(super) struct Sound {
    folder: TempDir,
}

/// Something of everything, being made.
struct Making {
    store: Store,
    workspace: WorkspaceId,
    device: DeviceId,
}

impl Making {
    async fn device(&self, id: DeviceId, phone: &str) {
        let store = &self.store;
        let created = store.create_device(self.workspace, id, String::new(), at(0));
        created.await.expect("created");
        let account = Account {
            phone: number(phone),
            lid: None,
            companion: 1,
            push_name: None,
            platform: None,
        };
        store.link_account(id, account, at(0)).await.expect("linked");
        store
            .signal(id, Signal::Connected, at(0))
            .await
            .expect("connected");
    }

    async fn accept(&self, device: DeviceId, stanza: &str, chat: &str, key: Option<&str>) {
        let message = NewMessage {
            id: MessageId::generate(),
            workspace: self.workspace,
            device,
            to: Address::Phone(number(chat)),
            content: Content::Text {
                body: "hello".to_owned(),
            },
            stanza: StanzaId::from(stanza.to_owned()),
            client_reference: None,
            metadata: None,
            scheduled_for: None,
            queue_if_disconnected: true,
        };
        let key = key.map(|key| IdempotencyKey {
            endpoint: "POST /v1/messages",
            key: key.to_owned(),
            fingerprint: [7; 32],
            http_status: 202,
            body: Vec::new(),
        });
        self.store.accept(message, key, at(1)).await.expect("accepted");
    }

    async fn claim(&self, limit: usize, now: i64) {
        let claimed = self
            .store
            .claim(self.device, limit, at(now + 1_000), at(now))
            .await;
        assert_eq!(claimed.expect("claimed").len(), limit);
    }

    async fn record(&self, outcome: Outcome) {
        let recorded = self.store.record(self.device, vec![outcome], at(5));
        recorded.await.expect("recorded");
    }

    /// A message that was sent, one that waits with one behind it, one in flight, one ready, one parked, one received.
    async fn something_of_everything(&self) {
        let stanza = |text: &str| StanzaId::from(text.to_owned());
        self.accept(self.device, "SENT", "15550000010", Some("a")).await;
        self.accept(self.device, "WAITS", "15550000011", Some("b")).await;
        self.claim(2, 2).await;
        self.record(Outcome::Acked {
            stanza: stanza("SENT"),
        })
        .await;
        let (at, detail) = (at(900_000), String::new());
        let stanza_of_it = stanza("WAITS");
        self.record(Outcome::Retry {
            stanza: stanza_of_it,
            at,
            detail,
        })
        .await;
        self.accept(self.device, "BEHIND", "15550000011", None).await;
        self.accept(self.device, "FLIES", "15550000012", None).await;
        self.claim(1, 6).await;
        self.accept(self.device, "READY", "15550000013", None).await;

        let other = DeviceId::generate();
        self.device(other, "15550000002").await;
        self.accept(other, "PARKED", "15550000010", None).await;
        let logged_out = Signal::LoggedOut { messages_left: false };
        self.store
            .signal(other, logged_out, self::at(7))
            .await
            .expect("logged out");

        let received = Inbound {
            stanza: stanza("IN"),
            chat: Address::Phone(number("15550000010")),
            sender: Address::Phone(number("15550000010")),
            sender_lid: None,
            push_name: None,
            sent_at: self::at(1),
            content: Content::Text {
                body: "hi".to_owned(),
            },
            quoted: None,
        };
        let received = self.store.receive(self.device, vec![received], self::at(8));
        assert_eq!(received.await.expect("received"), 1);
        self.webhook().await;
    }

    /// An endpoint with an event that is tried again, one that it holds back, and one that is sent again.
    async fn webhook(&self) {
        let id = WebhookId::generate();
        let new = NewWebhook {
            id,
            workspace: self.workspace,
            url: "https://example.com/".to_owned(),
            description: String::new(),
            event_types: EventTypes::ALL,
            devices: None,
            headers: Vec::new(),
            secret: WebhookSecret::from_bytes([1; WebhookSecret::BYTES]),
            ordered: true,
            rate_cap: None,
            enabled: true,
            verified_at: None,
        };
        self.store.create_webhook(new, at(9)).await.expect("created");
        let events = self.store.events_after(0, 100).await.expect("events");
        let events: Vec<_> = events
            .iter()
            .filter(|event| event.device == Some(self.device))
            .collect();
        let result = |event: &Event, then| DeliveryResult {
            seq: event.seq,
            device: event.device,
            tries: 1,
            kept: false,
            then,
            attempt: Some((
                event.id,
                event.kind,
                AttemptOutcome {
                    at: at(9),
                    duration: std::time::Duration::ZERO,
                    status: Some(500),
                    failure: Some(AttemptFailure::Status),
                    excerpt: Vec::new(),
                    retry_after: None,
                },
            )),
        };
        let progress = DeliveryProgress {
            position: events[1].seq,
            results: vec![
                result(events[0], Then::Retry(at(10))),
                result(events[1], Then::Hold),
            ],
            health: EndpointHealth::default(),
            disable: None,
        };
        let recorded = self.store.record_deliveries(id, progress, at(10)).await;
        assert_eq!(recorded.expect("recorded"), Recorded::Going);
        let again = ReplayRequest::Event(events[0].id);
        let replay = self.store.replay_events(self.workspace, id, again, at(11)).await;
        replay.expect("asked for");
    }
}

impl Sound {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = StoreOptions::new(folder.path());
        let store = Store::open(&options).expect("a store");
        let workspace = store.first_workspace(at(0)).await.expect("a workspace");
        let device = DeviceId::generate();
        let making = Making {
            store,
            workspace,
            device,
        };
        making.device(device, OWNER).await;
        making.something_of_everything().await;
        making.store.close().await;
        let keys = KeyStore::open(&KeyStoreOptions::new(folder.path().join("keys.db"))).expect("keys");
        let mut record = Keys::new();
        record.pn = Some(Jid::pn_device(OWNER, 1));
        let backend = keys.backend(device).await.expect("a backend").backend;
        backend.save(&record).await.expect("saved");
        keys.close().await;
        Self { folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Changes a file as no part of Postern would.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is to be found is nothing the store would do"
    )]
    pub(super) fn break_with(&self, file: &str, sql: &str) {
        let connection = Connection::open(self.path(file)).expect("opened");
        connection
            .pragma_update(None, "foreign_keys", false)
            .expect("off");
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(super) fn check(&self) -> Vec<Checked> {
        let data_dir = self.folder.path().to_owned();
        let mut steps = Vec::new();
        let checks = Check { data_dir }
            .run(&mut |step| steps.push(step))
            .expect("looked");
        assert!(steps.iter().all(|step| step.all == checks.len()));
        assert_eq!(steps.len(), checks.len());
        checks
    }

    /// The names of the checks with an outcome like this.
    pub(super) fn names(&self, like: impl Fn(&CheckOutcome) -> bool) -> Vec<&'static str> {
        let checks = self.check().into_iter();
        checks
            .filter(|check| like(&check.outcome))
            .map(|check| check.name)
            .collect()
    }

    pub(super) fn broken(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, CheckOutcome::Broken(_)))
    }

    pub(super) fn warnings(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, CheckOutcome::Warning(_)))
    }
}
