//! The session manager over the real store and a scripted port.

mod endings;
mod fairness;
mod pacing;
mod pairing;
mod port;
mod restarts;
mod sending;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::port::{Observed, WhatsApp};
use postern_domain::{
    Account, Address, Content, DeviceId, DeviceReason, DeviceState, Event, MessageId, MessageStatus,
    PhoneNumber, StanzaId, Timestamp, WorkspaceId,
};
use postern_runtime::{Backoff, Clock, SystemClock, Wakes};
use postern_sessions::{KeyRing, KeyRingError, Sessions, SessionsConfig};
use postern_store::{Device, DeviceRequest, Message, NewMessage, Store, StoreOptions};
use tempfile::TempDir;

use crate::port::Network;

/// A store, a scripted network and the session manager between them.
struct Gateway {
    folder: TempDir,
    store: Store,
    network: Arc<Network>,
    wakes: Wakes,
    clock: Arc<dyn Clock>,
    workspace: WorkspaceId,
    sessions: Option<Sessions>,
}

/// The keys that the scripted clients have.
struct Keys(Arc<Network>);

#[async_trait]
impl KeyRing for Keys {
    async fn account(&self, device: DeviceId) -> Result<Option<Account>, KeyRingError> {
        Ok(self.0.client(device).keys.lock().expect("no panic").clone())
    }

    async fn wipe(&self, device: DeviceId) -> Result<(), KeyRingError> {
        self.0.wiped(device);
        Ok(())
    }
}

fn config() -> SessionsConfig {
    SessionsConfig {
        start_jitter: Duration::ZERO,
        ack_timeout: Duration::from_millis(300),
        retry: Backoff::new(Duration::from_millis(20), Duration::from_millis(50)),
        restart: Backoff::new(Duration::from_millis(20), Duration::from_millis(50)),
        poll: Duration::from_millis(100),
        ..SessionsConfig::default()
    }
}

fn open(folder: &TempDir) -> Store {
    let data_dir = folder.path().to_owned();
    Store::open(&StoreOptions::new(data_dir)).expect("the store opens")
}

impl Gateway {
    async fn start() -> Self {
        Self::start_with(config()).await
    }

    async fn start_with(config: SessionsConfig) -> Self {
        Self::start_at(config, Arc::new(SystemClock)).await
    }

    async fn start_at(config: SessionsConfig, clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder);
        let workspace = store.first_workspace(clock.now()).await.expect("a workspace");
        let network = Arc::new(Network::default());
        let mut gateway = Self {
            folder,
            store,
            network,
            wakes: Wakes::default(),
            clock,
            workspace,
            sessions: None,
        };
        gateway.start_sessions(config);
        gateway
    }

    fn start_sessions(&mut self, config: SessionsConfig) {
        let port: Arc<dyn WhatsApp> = Arc::clone(&self.network) as _;
        let keys = Arc::new(Keys(Arc::clone(&self.network)));
        let clock = Arc::clone(&self.clock);
        self.sessions = Some(Sessions::start(
            config,
            self.store.clone(),
            port,
            keys,
            self.wakes.clone(),
            clock,
        ));
    }

    async fn stop(&mut self) {
        if let Some(sessions) = self.sessions.take() {
            sessions.stop().await;
        }
    }

    async fn create(&self) -> DeviceId {
        let id = DeviceId::generate();
        self.store
            .create_device(self.workspace, id, String::new(), self.clock.now())
            .await
            .expect("created");
        id
    }

    async fn ask_for_pairing(&self, device: DeviceId, phone: Option<PhoneNumber>) {
        self.store
            .request_pairing(self.workspace, device, phone)
            .await
            .expect("asked");
        self.wakes.devices.ring();
    }

    async fn request(&self, device: DeviceId, request: DeviceRequest) {
        let written = self.store.request(self.workspace, device, request).await;
        written.expect("written");
        self.wakes.devices.ring();
    }

    async fn events(&self) -> Vec<Event> {
        self.store.events_after(0, 10_000).await.expect("read")
    }

    /// A device that is linked and connected.
    async fn linked(&self, phone: &str) -> DeviceId {
        let device = self.create().await;
        self.ask_for_pairing(device, None).await;
        self.network.opened(device, 1).await;
        self.network.tell(
            device,
            Observed::Paired {
                account: account(phone),
            },
        );
        self.network.tell(device, Observed::Connected);
        self.becomes(device, DeviceState::Connected).await;
        device
    }

    async fn device(&self, id: DeviceId) -> Option<Device> {
        self.store.session_device(id).await.expect("read")
    }

    async fn becomes(&self, id: DeviceId, state: DeviceState) -> DeviceReason {
        eventually(async || {
            let device = self.device(id).await?;
            (device.status.state == state).then_some(device.status.reason)
        })
        .await
    }

    async fn accept(&self, device: DeviceId, to: &str, body: &str) -> (MessageId, StanzaId) {
        self.accept_for(device, to, body, None).await
    }

    async fn accept_for(
        &self,
        device: DeviceId,
        to: &str,
        body: &str,
        scheduled_for: Option<Timestamp>,
    ) -> (MessageId, StanzaId) {
        let (id, stanza) = (MessageId::generate(), StanzaId::generate());
        let message = NewMessage {
            id,
            workspace: self.workspace,
            device,
            to: address(to),
            content: Content::Text {
                body: body.to_owned(),
            },
            stanza: stanza.clone(),
            metadata: None,
            client_reference: None,
            scheduled_for,
            queue_if_disconnected: true,
        };
        self.store
            .accept(message, None, self.clock.now())
            .await
            .expect("accepted");
        self.wakes.outbox.ring(&device);
        (id, stanza)
    }

    async fn reaches(&self, id: MessageId, status: MessageStatus) -> Message {
        eventually(async || {
            let message = self.store.message(self.workspace, id).await.expect("read")?;
            (message.status == status).then_some(message)
        })
        .await
    }
}

fn account(phone: &str) -> Account {
    let phone = phone.parse().expect("a number");
    Account {
        phone,
        lid: None,
        companion: 1,
        push_name: None,
        platform: Some("android".to_owned()),
    }
}

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

async fn eventually<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..12_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain");
}
