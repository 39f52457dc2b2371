//! A sandbox, and devices that write down what they observe.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use async_trait::async_trait;
use postern_domain::port::{
    Ending, Inbound, NotCommitted, Observed, Observer, OpenError, Outgoing, ReceiptKind, SendError, Session,
    WhatsApp,
};
use postern_domain::{Content, DeviceId, StanzaId};
use postern_sandbox::{Sandbox, SandboxConfig};
use postern_whatsapp::{Config, Deadlines, DeviceKeys, KeyProvider, VersionSource, WhatsAppWeb};
use serde_json::{Value, json};
use wacore::store::InMemoryBackend;

pub(crate) const PHONE: &str = "+15551234567";
pub(crate) const CONTACT: &str = "+15557654321";

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(180), looking).await {
        Ok(seen) => seen,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

pub(crate) struct Lab {
    sandbox: Sandbox,
    http: reqwest::Client,
    whatsapp: WhatsAppWeb,
    keys: Arc<Keys>,
}

#[derive(Default)]
struct Keys(Mutex<HashMap<DeviceId, Arc<InMemoryBackend>>>);

#[async_trait]
impl KeyProvider for Keys {
    async fn keys(&self, device: DeviceId) -> Result<DeviceKeys, OpenError> {
        let mut keys = self.0.lock().expect("keys");
        let backend = keys.entry(device).or_default();
        Ok(DeviceKeys {
            backend: Arc::clone(backend) as _,
            outdated: Box::pin(std::future::pending()),
        })
    }
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_with(Config::default()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider()
                .install_default()
                .expect("the first provider");
        });
        let sandbox = Sandbox::start(SandboxConfig::default()).await.expect("a sandbox");
        let config = Config {
            url: Some(sandbox.websocket_url()),
            version: VersionSource::Fixed(2, 3000, 1_234_567_890),
            pre_key_count: 30,
            deadlines: Deadlines {
                send: Duration::from_secs(10),
                ..Deadlines::default()
            },
            ..config
        };
        let keys = Arc::new(Keys::default());
        let whatsapp = WhatsAppWeb::new(config, keys.clone()).expect("a port to the sandbox");
        Self {
            sandbox,
            http: reqwest::Client::new(),
            whatsapp,
            keys,
        }
    }

    /// Asks the control API.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.sandbox.control_url());
        let request = self
            .http
            .request(method.parse().expect("a method"), url)
            .json(&body);
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let answer = response.json().await.expect("JSON");
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn scan(&self, phone: &str, qr: &str) {
        self.ask("POST", &format!("/phones/{phone}/scan"), json!({ "qr": qr }))
            .await;
    }

    pub(crate) async fn set_contact(&self, phone: &str, behaviour: Value) {
        self.ask("PUT", &format!("/contacts/{phone}"), behaviour).await;
    }

    pub(crate) async fn fault(&self, kind: &str) {
        self.ask("POST", "/faults", json!({ "phone": PHONE, "kind": kind }))
            .await;
    }

    /// The contact writes to the phone; returns the stanza id.
    pub(crate) async fn write(&self, text: &str) -> StanzaId {
        let path = format!("/contacts/{CONTACT}/messages");
        let answer = self
            .ask("POST", &path, json!({ "to": PHONE, "text": text }))
            .await;
        answer["stanzaId"].as_str().expect("an id").to_owned().into()
    }

    pub(crate) async fn received(&self) -> Vec<Value> {
        let url = format!("{}/contacts/{CONTACT}/messages", self.sandbox.control_url());
        let response = self.http.get(url).send().await.expect("an answer");
        let answer: Value = response.json().await.expect("JSON");
        answer["data"].as_array().expect("a list").clone()
    }

    /// Opens a device over its keys, of which there may be none.
    pub(crate) async fn open(&self, device: DeviceId) -> Device {
        let notes = Arc::new(Notes::default());
        let session = self
            .whatsapp
            .open(device, notes.clone())
            .await
            .expect("a session");
        Device {
            id: device,
            session,
            notes,
        }
    }

    /// A device that is linked to the phone and connected.
    pub(crate) async fn linked(&self) -> Device {
        let device = self.open(DeviceId::generate()).await;
        let qr = device.qr().await;
        self.scan(PHONE, &qr).await;
        device.sees(&Observed::Connected, 1).await;
        device
    }

    pub(crate) fn forget_keys(&self, device: DeviceId) {
        self.keys.0.lock().expect("keys").remove(&device);
    }

    pub(crate) async fn stop(self) {
        self.sandbox.stop().await;
    }
}

#[derive(Default)]
pub(crate) struct Notes {
    observed: Mutex<Vec<Observed>>,
    received: Mutex<Vec<Inbound>>,
    /// Whether nothing can be committed.
    pub(crate) full: AtomicBool,
    /// Whether acks make it panic.
    pub(crate) panics: AtomicBool,
}

#[async_trait]
impl Observer for Notes {
    fn observe(&self, observed: Observed) {
        let acked = matches!(observed, Observed::Acked { .. });
        assert!(!acked || !self.panics.load(Ordering::SeqCst), "on purpose");
        self.observed.lock().expect("notes").push(observed);
    }

    async fn receive(&self, batch: Vec<Inbound>) -> Result<(), NotCommitted> {
        if self.full.load(Ordering::SeqCst) {
            return Err(NotCommitted);
        }
        self.received.lock().expect("notes").extend(batch);
        Ok(())
    }
}

pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) session: Arc<dyn Session>,
    pub(crate) notes: Arc<Notes>,
}

impl Device {
    pub(crate) fn observed(&self) -> Vec<Observed> {
        self.notes.observed.lock().expect("notes").clone()
    }

    pub(crate) fn received(&self) -> Vec<Inbound> {
        self.notes.received.lock().expect("notes").clone()
    }

    pub(crate) fn count(&self, wanted: &Observed) -> usize {
        self.observed().iter().filter(|seen| *seen == wanted).count()
    }

    pub(crate) async fn sees(&self, wanted: &Observed, times: usize) {
        eventually(&format!("{wanted:?} × {times}"), async || {
            (self.count(wanted) >= times).then_some(())
        })
        .await;
    }

    pub(crate) async fn ends(&self, ending: Ending) {
        let last = Observed::Ended(ending);
        self.sees(&last, 1).await;
        assert_eq!(self.observed().last(), Some(&last));
        assert_eq!(self.count(&last), 1);
    }

    pub(crate) async fn qr(&self) -> String {
        eventually("a QR code", async || {
            self.observed().iter().find_map(|seen| match seen {
                Observed::QrCode { code, .. } => Some(code.expose().to_owned()),
                _ => None,
            })
        })
        .await
    }

    pub(crate) async fn try_send(&self, stanza: &StanzaId, to: &str, text: &str) -> Result<(), SendError> {
        let message = Outgoing {
            typing: Duration::ZERO,
            stanza: stanza.clone(),
            to: to.parse().expect("an address"),
            content: Content::Text {
                body: text.to_owned(),
            },
        };
        self.session.send(&message).await
    }

    pub(crate) async fn send(&self, text: &str) -> StanzaId {
        let stanza = StanzaId::generate();
        self.try_send(&stanza, CONTACT, text).await.expect("sent");
        stanza
    }

    pub(crate) async fn is_acked(&self, wanted: &StanzaId) {
        eventually("an ack", async || {
            self.observed()
                .iter()
                .any(|seen| matches!(seen, Observed::Acked { stanza, .. } if stanza == wanted))
                .then_some(())
        })
        .await;
    }

    pub(crate) async fn is_confirmed(&self, wanted: &StanzaId, as_what: ReceiptKind) {
        eventually("a receipt", async || {
            self.observed()
                .iter()
                .any(|seen| {
                    matches!(seen, Observed::Receipt { stanzas, kind, .. }
                        if stanzas.contains(wanted) && *kind == as_what)
                })
                .then_some(())
        })
        .await;
    }

    pub(crate) async fn receives(&self, wanted: &StanzaId) -> Inbound {
        eventually("a message", async || {
            self.received()
                .into_iter()
                .find(|message| message.stanza == *wanted)
        })
        .await
    }
}
