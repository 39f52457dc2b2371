//! What deliveries promise, asked of a running engine over a real store and a real endpoint.

mod deactivation;
mod deliveries;
mod failures;
mod order;
mod replays;
mod restarts;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::webhook::{EventTypes, WebhookSecret};
use postern_domain::{Content, DeviceId, EventId, MessageId, StanzaId, Timestamp, WebhookId, WorkspaceId};
use postern_runtime::{Clock, SystemClock, Wakes};
use postern_store::{Accepted, Attempt, AttemptFilter, NewMessage, NewWebhook, Store, StoreOptions, Webhook};
use postern_testkit::{Received, WebhookSink, eventually};
use tempfile::TempDir;

use super::*;

/// A store, an endpoint, and deliveries between them.
struct Fixture {
    folder: TempDir,
    config: WebhooksConfig,
    store: Store,
    workspace: WorkspaceId,
    device: DeviceId,
    sink: WebhookSink,
    wakes: Wakes,
    engine: Option<Webhooks>,
}

fn now() -> Timestamp {
    SystemClock.now()
}

fn secret() -> WebhookSecret {
    WebhookSecret::from_bytes([9; WebhookSecret::BYTES])
}

/// Settings that tests need not wait for.
fn hasty() -> WebhooksConfig {
    WebhooksConfig {
        allow: vec!["127.0.0.0/8".parse().expect("a network")],
        allow_http: true,
        timeout: Duration::from_secs(2),
        retries: Schedule::of_seconds(&[0, 0, 0]),
        rest: (Duration::from_millis(50), Duration::from_millis(200)),
        poll: Duration::from_millis(200),
        ..WebhooksConfig::default()
    }
}

fn open(folder: &TempDir) -> Store {
    Store::open(&StoreOptions::new(folder.path())).expect("a store")
}

impl Fixture {
    async fn new(config: WebhooksConfig) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder);
        let workspace = store.first_workspace(now()).await.expect("a workspace");
        let device = DeviceId::generate();
        let created = store
            .create_device(workspace, device, "till".to_owned(), now())
            .await;
        created.expect("a device");
        let mut fixture = Self {
            folder,
            config,
            store,
            workspace,
            device,
            sink: WebhookSink::start().await.expect("a sink"),
            wakes: Wakes::default(),
            engine: None,
        };
        fixture.start();
        fixture
    }

    fn start(&mut self) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let engine = Webhooks::start(self.config.clone(), self.store.clone(), self.wakes.clone(), clock);
        self.engine = Some(engine.expect("an engine"));
    }

    async fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
    }

    /// Another device of the workspace.
    async fn add_device(&self) -> DeviceId {
        let device = DeviceId::generate();
        let created = self
            .store
            .create_device(self.workspace, device, "other".to_owned(), now());
        created.await.expect("a device");
        device
    }

    /// An endpoint of the sink at this path that wants everything.
    async fn endpoint(&self, path: &str) -> WebhookId {
        self.endpoint_with(&self.sink.url(path), |_| {}).await
    }

    async fn endpoint_with(&self, url: &str, change: impl FnOnce(&mut NewWebhook)) -> WebhookId {
        let mut new = NewWebhook {
            id: WebhookId::generate(),
            workspace: self.workspace,
            url: url.to_owned(),
            description: String::new(),
            event_types: EventTypes::ALL,
            devices: None,
            headers: vec![("x-shop".to_owned(), "7".to_owned())],
            secret: secret(),
            ordered: false,
            rate_cap: None,
            enabled: true,
            verified_at: None,
        };
        change(&mut new);
        let created = self.store.create_webhook(new, now()).await.expect("an endpoint");
        self.wakes.webhooks.ring();
        created.id
    }

    /// Makes so many events of a device.
    async fn happen(&self, device: DeviceId, count: usize) {
        let accepts = (0..count).map(|number| async move {
            let message = NewMessage {
                id: MessageId::generate(),
                workspace: self.workspace,
                device,
                to: "+15551234567".parse().expect("a number"),
                content: Content::Text {
                    body: format!("body {number}"),
                },
                stanza: StanzaId::from(MessageId::generate().to_string()),
                metadata: None,
                client_reference: None,
                scheduled_for: None,
                queue_if_disconnected: true,
            };
            self.store.accept(message, None, now()).await.expect("accepted")
        });
        for accepted in futures_util::future::join_all(accepts).await {
            assert_eq!(accepted, Accepted::New);
        }
    }

    /// The ids of all events, in order.
    async fn events(&self) -> Vec<EventId> {
        let events = self.store.events_after(0, 1_000_000).await.expect("events");
        events.into_iter().map(|event| event.id).collect()
    }

    async fn webhook(&self, id: WebhookId) -> Webhook {
        let found = self.store.webhook(self.workspace, id).await.expect("an answer");
        found.expect("an endpoint")
    }

    /// The tries of an endpoint, the latest first.
    async fn attempts(&self, id: WebhookId) -> Vec<Attempt> {
        let filter = AttemptFilter::default();
        let page = self
            .store
            .webhook_attempts(self.workspace, id, filter, 10_000, None)
            .await;
        page.expect("an answer").expect("an endpoint").rows
    }

    /// Waits until the endpoint is past the end of the log and nothing waits for it.
    async fn settled(&self, id: WebhookId) {
        let last = *self.store.watch_events().borrow();
        until("everything is delivered", || async {
            let webhook = self.webhook(id).await;
            let backlog = self.store.webhook_backlog(&webhook).await.expect("a backlog");
            let behind = self
                .store
                .events_after(webhook.position, 1_000)
                .await
                .expect("events");
            let wanted = behind
                .iter()
                .any(|event| event.seq <= last && webhook.wants(event.kind, event.device));
            !wanted && backlog.waiting == 0
        })
        .await;
    }

    /// What came under this path.
    fn got(&self, path: &str) -> Vec<Received> {
        let mut received = self.sink.received();
        received.retain(|request| request.path == path);
        received
    }

    /// The ids of what came under this path, each once, in order.
    fn ids(&self, path: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let ids = self.got(path).into_iter().map(|request| request.id().to_owned());
        ids.filter(|id| seen.insert(id.clone())).collect()
    }
}

async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let look = || {
        let looking = is_so();
        async move { Ok(looking.await.then_some(())) }
    };
    eventually(what, look).await.expect("in time");
}
