//! A sandbox with its control API, and real clients that write down what happens to them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use async_trait::async_trait;
use postern_sandbox::{Sandbox, SandboxConfig};
use serde_json::{Value, json};
use wacore::net::{HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent, TransportFactory};
use wacore::store::InMemoryBackend;
use wacore::types::events::Event;
use wacore::types::presence::ReceiptType;
use wacore_binary::NodeRef;
use waproto::whatsapp::Message;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::prelude::{Bot, BotHandle, Client, EventDelivery, SendOptions};
use whatsapp_rust::{Jid, RawNodeLease, async_channel};

pub(crate) const PHONE: &str = "+15551234567";
pub(crate) const CONTACT: &str = "+15557654321";

const DEADLINE: Duration = Duration::from_secs(180);

/// Looks until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(DEADLINE, looking).await {
        Ok(seen) => seen,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

pub(crate) struct Lab {
    pub(crate) sandbox: Sandbox,
    http: reqwest::Client,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_with(SandboxConfig::default()).await
    }

    pub(crate) async fn start_in(state_dir: PathBuf) -> Self {
        Self::start_with(SandboxConfig {
            state_dir: Some(state_dir),
            ..SandboxConfig::default()
        })
        .await
    }

    pub(crate) async fn start_with(config: SandboxConfig) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider()
                .install_default()
                .expect("the first provider");
        });
        Self {
            sandbox: Sandbox::start(config).await.expect("a sandbox"),
            http: reqwest::Client::new(),
        }
    }

    /// Status and body of any request to the control API.
    pub(crate) async fn request(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let url = format!("{}{path}", self.sandbox.control_url());
        let request = self.http.request(method.parse().expect("a method"), url);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let answer = response.bytes().await.expect("a body");
        if answer.is_empty() {
            return (status, Value::Null);
        }
        (status, serde_json::from_slice(&answer).expect("JSON"))
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.request(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    pub(crate) async fn scan(&self, phone: &str, qr: &str) -> Value {
        self.ask(
            "POST",
            &format!("/phones/{phone}/scan"),
            Some(json!({ "qr": qr })),
        )
        .await
    }

    pub(crate) async fn set_contact(&self, phone: &str, behaviour: Value) -> Value {
        self.ask("PUT", &format!("/contacts/{phone}"), Some(behaviour))
            .await
    }

    pub(crate) async fn fault(&self, phone: &str, kind: &str) {
        self.fault_with(phone, kind, json!({})).await;
    }

    pub(crate) async fn fault_with(&self, phone: &str, kind: &str, parameters: Value) {
        let mut body = json!({ "phone": phone, "kind": kind });
        for (name, value) in parameters.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.ask("POST", "/faults", Some(body)).await;
    }

    /// Everything that is scheduled, armed or in effect.
    pub(crate) async fn faults(&self) -> Vec<Value> {
        let answer = self.ask("GET", "/faults", None).await;
        answer["data"].as_array().expect("a list").clone()
    }

    pub(crate) async fn clear_faults(&self) {
        self.ask("DELETE", "/faults", None).await;
    }

    /// The contact writes; returns the stanza id.
    pub(crate) async fn write(&self, contact: &str, to: &str, text: &str) -> String {
        let body = json!({ "to": to, "text": text });
        let answer = self
            .ask("POST", &format!("/contacts/{contact}/messages"), Some(body))
            .await;
        answer["stanzaId"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn received(&self, contact: &str) -> Vec<Value> {
        let answer = self
            .ask("GET", &format!("/contacts/{contact}/messages"), None)
            .await;
        answer["data"].as_array().expect("a list").clone()
    }

    pub(crate) async fn received_as(&self, contact: &str, stanza_id: &str) -> Option<Value> {
        let received = self.received(contact).await;
        received
            .into_iter()
            .find(|message| message["stanzaId"] == stanza_id)
    }

    /// A client that shows codes.
    pub(crate) async fn unlinked_client(&self) -> TestClient {
        TestClient::start(self, Arc::new(InMemoryBackend::new())).await
    }

    /// A client that is linked to this number and connected.
    pub(crate) async fn linked_client(&self, phone: &str) -> TestClient {
        let client = self.unlinked_client().await;
        let qr = client.qr().await;
        self.scan(phone, &qr).await;
        client.connected(1).await;
        client
    }
}

/// What a client noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Qr(String),
    NewCodeWanted,
    Connected,
    Disconnected,
    /// A stanza that matters here, as it came: its tag, and its id, code or reason.
    Stanza(&'static str, String),
    LoggedOut,
    Replaced,
    /// Somebody's devices changed.
    Devices,
    /// A stream error that ends nothing, with its code.
    StreamError(String),
    /// For so many seconds.
    Banned(i64),
    Outdated,
    /// With its reason.
    ConnectFailure(i32),
    Ack(String),
    Nack {
        id: String,
        code: String,
    },
    Delivered(String),
    Read(String),
    /// `delivered` or `read`, which message, and from whom.
    ReceiptFrom(&'static str, String, String),
    Text {
        id: String,
        chat: String,
        text: String,
    },
    Undecryptable(String),
}

pub(crate) struct TestClient {
    pub(crate) client: Arc<Client>,
    backend: Arc<InMemoryBackend>,
    seen: Arc<Mutex<Vec<Seen>>>,
    handle: BotHandle,
    connections: Arc<AtomicUsize>,
    _raw_stanzas: RawNodeLease,
}

impl TestClient {
    /// Runs a client on a store, which may be linked already.
    pub(crate) async fn start(lab: &Lab, backend: Arc<InMemoryBackend>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        let connections = Arc::new(AtomicUsize::new(0));
        let bot = Bot::builder()
            .with_backend_arc(backend.clone())
            .with_transport_factory(Loopback {
                url: lab.sandbox.websocket_url(),
                connections: connections.clone(),
            })
            .with_http_client(NoHttp)
            .with_version((2, 3000, 1_234_567_890))
            .with_wanted_pre_key_count(30)
            .skip_history_sync()
            // Tests ask in which order things came. A full mailbox would lose events; this one never is.
            .with_event_delivery(EventDelivery::Ordered { capacity: 100_000 })
            .on_event(move |event, _client| {
                notes.lock().expect("notes").extend(observe(&event));
                std::future::ready(())
            })
            .build()
            .await
            .expect("a client");
        let client = bot.client();
        Self {
            _raw_stanzas: client.acquire_raw_node_forwarding(),
            client,
            backend,
            seen,
            handle: bot.spawn(),
            connections,
        }
    }

    /// Stops the client; its store can be used again.
    pub(crate) async fn stop(self) -> Arc<InMemoryBackend> {
        self.handle.shutdown().await;
        self.backend
    }

    pub(crate) fn backend(&self) -> Arc<InMemoryBackend> {
        self.backend.clone()
    }

    /// How often it has connected, whether it could log in or not.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, wanted: &Seen) -> usize {
        let seen = self.seen.lock().expect("notes");
        seen.iter().filter(|seen| *seen == wanted).count()
    }

    pub(crate) async fn qr(&self) -> String {
        eventually("a QR code", async || {
            let seen = self.seen.lock().expect("notes");
            seen.iter().find_map(|seen| match seen {
                Seen::Qr(code) => Some(code.clone()),
                _ => None,
            })
        })
        .await
    }

    /// The code that is to be typed in on this phone.
    pub(crate) async fn code_for(&self, phone: &str) -> String {
        self.qr().await;
        let options = PairCodeOptions {
            phone_number: phone.to_owned(),
            ..Default::default()
        };
        self.client.pair_with_code(options).await.expect("a code")
    }

    pub(crate) async fn sees(&self, wanted: &Seen, times: usize) {
        eventually(&format!("{wanted:?} × {times}"), async || {
            (self.count(wanted) >= times).then_some(())
        })
        .await;
    }

    pub(crate) async fn connected(&self, times: usize) {
        self.sees(&Seen::Connected, times).await;
    }

    /// The ids of all texts, in the order in which they came.
    pub(crate) fn text_ids(&self) -> Vec<String> {
        let seen = self.seen.lock().expect("notes");
        let ids = seen.iter().filter_map(|seen| match seen {
            Seen::Text { id, .. } => Some(id.clone()),
            _ => None,
        });
        ids.collect()
    }

    pub(crate) async fn text(&self, id: &str) -> (String, String) {
        eventually("a text", async || {
            let seen = self.seen.lock().expect("notes");
            seen.iter().find_map(|seen| match seen {
                Seen::Text {
                    id: found,
                    chat,
                    text,
                } if found == id => Some((chat.clone(), text.clone())),
                _ => None,
            })
        })
        .await
    }

    pub(crate) fn has_text(&self, wanted: &str) -> bool {
        self.count_texts(wanted) > 0
    }

    pub(crate) fn count_texts(&self, wanted: &str) -> usize {
        let seen = self.seen.lock().expect("notes");
        let texts = seen
            .iter()
            .filter(|seen| matches!(seen, Seen::Text { id, .. } if id == wanted));
        texts.count()
    }

    pub(crate) async fn send(&self, to: &str, text: &str) -> String {
        let sent = self.client.send_message(jid(to), message(text)).await;
        sent.expect("sent").message_id
    }

    pub(crate) async fn send_as(&self, stanza_id: &str, to: &str, text: &str) {
        let options = SendOptions::default().with_message_id(stanza_id);
        let sent = self
            .client
            .send_message_with_options(jid(to), message(text), options)
            .await;
        sent.expect("sent");
    }
}

/// Of somebody with a number, or of a group.
pub(crate) fn jid(address: &str) -> Jid {
    if address.contains('@') {
        return address.parse().expect("a JID");
    }
    Jid::pn(address.trim_start_matches('+'))
}

fn message(text: &str) -> Message {
    Message {
        conversation: Some(text.to_owned()),
        ..Default::default()
    }
}

fn observe(event: &Event) -> Vec<Seen> {
    match event {
        Event::PairingQrCode(code) => vec![Seen::Qr(code.code.clone())],
        Event::PairingCodeRefresh(_) => vec![Seen::NewCodeWanted],
        Event::DeviceListUpdate(_) => vec![Seen::Devices],
        Event::Connected(_) => vec![Seen::Connected],
        Event::Disconnected(_) => vec![Seen::Disconnected],
        Event::RawNode(stanza) => stanza_of(stanza.get()).into_iter().collect(),
        Event::LoggedOut(_) => vec![Seen::LoggedOut],
        Event::StreamReplaced(_) => vec![Seen::Replaced],
        Event::UndecryptableMessage(message) => vec![Seen::Undecryptable(message.info.id.clone())],
        Event::StreamError(error) => vec![Seen::StreamError(error.code.clone())],
        Event::TemporaryBan(ban) => vec![Seen::Banned(ban.expire.num_seconds())],
        Event::ClientOutdated(_) => vec![Seen::Outdated],
        Event::ConnectFailure(failure) => vec![Seen::ConnectFailure(failure.reason.code())],
        Event::ServerAck(ack) if ack.class.as_deref() == Some("message") => {
            let id = ack.id.clone();
            vec![match ack.error.clone() {
                None => Seen::Ack(id),
                Some(code) => Seen::Nack { id, code },
            }]
        }
        Event::Receipt(receipt) => {
            let (kind, plain): (_, fn(String) -> Seen) = match receipt.r#type {
                ReceiptType::Delivered => ("delivered", Seen::Delivered),
                ReceiptType::Read => ("read", Seen::Read),
                _ => return Vec::new(),
            };
            let from = receipt.source.chat.to_string();
            let ids = receipt.message_ids.iter();
            ids.flat_map(|id| {
                [
                    plain(id.clone()),
                    Seen::ReceiptFrom(kind, id.clone(), from.clone()),
                ]
            })
            .collect()
        }
        Event::Messages(batch) => batch
            .iter()
            .filter_map(|inbound| {
                Some(Seen::Text {
                    id: inbound.info.id.clone(),
                    chat: inbound.info.source.chat.to_string(),
                    text: inbound.message.conversation.clone()?,
                })
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn stanza_of(stanza: &NodeRef<'_>) -> Option<Seen> {
    let (tag, attribute) = match &*stanza.tag {
        "message" => ("message", "id"),
        "stream:error" => ("stream:error", "code"),
        "xmlstreamend" => ("xmlstreamend", "code"),
        _ => return None,
    };
    let value = stanza.get_attr(attribute);
    let value = value.map_or_else(String::new, |value| value.as_str().into_owned());
    Some(Seen::Stanza(tag, value))
}

/// The stock transport leaves Nagle's algorithm on.
struct Loopback {
    url: String,
    connections: Arc<AtomicUsize>,
}

#[async_trait]
impl TransportFactory for Loopback {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let address = self
            .url
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .unwrap_or_default();
        let socket = tokio::net::TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        let (websocket, _response) = tokio_websockets::ClientBuilder::new()
            .uri(&self.url)?
            .connect_on(socket)
            .await?;
        Ok(whatsapp_rust_tokio_transport::from_websocket(websocket))
    }
}

/// Nothing in these tests may need plain HTTP.
struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
        anyhow::bail!("no HTTP here")
    }
}
