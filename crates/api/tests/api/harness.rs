//! A server on port 0 with a store in a folder of its own, and a caller with a key.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use postern_api::{Api, ApiConfig, ApiKeySecret, KeyKind, ServerOptions, server};
use postern_domain::session::Signal;
use postern_domain::{Account, DeviceId, PhoneNumber, Plan, Scope, Scopes, Timestamp, WorkspaceId};
use postern_runtime::{Clock, ManualClock, Stop, SystemClock, Tasks, Wakes};
use postern_store::{Store, StoreOptions, Swept};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::probe::ScriptedProbe;

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(180);

pub(crate) struct TestApi {
    pub(crate) store: Store,
    pub(crate) wakes: Wakes,
    pub(crate) stop: Stop,
    /// Pull it to have the API say that it will stop.
    pub(crate) draining: Stop,
    /// A task that the API depends on; pull it to end it.
    pub(crate) vital: Stop,
    pub(crate) probe: Arc<ScriptedProbe>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) key: ApiKeySecret,
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    http: reqwest::Client,
    phones: AtomicU64,
    _folder: TempDir,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A request of a caller; headers can be added before it is sent.
pub(crate) struct Call(reqwest::RequestBuilder);

impl TestApi {
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(SystemClock), ApiConfig::default()).await
    }

    pub(crate) async fn start_at(now: Timestamp) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        clock.set(now);
        let clock_of_api: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        (Self::start_with(clock_of_api, ApiConfig::default()).await, clock)
    }

    pub(crate) async fn start_with(clock: Arc<dyn Clock>, config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder);
        let now = clock.now();
        let workspace = store.first_workspace(now).await.expect("a workspace");
        let key = ApiKeySecret::generate(KeyKind::Live);
        let stored = postern_store::NewApiKey::of(&key, workspace, "test", Scopes::all());
        assert!(store.add_api_key(stored, now).await.expect("stored"));

        // The client is built with rustls and no provider of its own; http needs none, its builder does.
        drop(rustls::crypto::ring::default_provider().install_default());
        let (wakes, stop) = (Wakes::default(), Stop::new());
        let probe = Arc::<ScriptedProbe>::default();
        let api = Api::new(
            store.clone(),
            wakes.clone(),
            Arc::<ScriptedProbe>::clone(&probe),
            Arc::clone(&clock),
            config,
            stop.clone(),
        );
        let vital = Stop::new();
        let ends = vital.clone();
        api.depend_on([Tasks::new().spawn_vital("a vital part", async move { ends.pulled().await })]);
        Self {
            draining: api.draining(),
            vital,
            address: serve(api),
            probe,
            store,
            wakes,
            stop,
            workspace,
            key,
            clock,
            http: reqwest::Client::new(),
            phones: AtomicU64::new(15_550_000_000),
            _folder: folder,
        }
    }

    /// Makes another workspace; answers a key that may do everything in it.
    pub(crate) async fn another_workspace(&self) -> ApiKeySecret {
        self.workspace_on(("unlimited".to_owned(), Plan::UNLIMITED)).await
    }

    /// The same on a plan.
    pub(crate) async fn workspace_on(&self, plan: (String, Plan)) -> ApiKeySecret {
        let key = ApiKeySecret::generate(KeyKind::Live);
        let stored =
            postern_store::NewApiKey::of(&key, WorkspaceId::generate(), "another", Scopes::of_a_workspace());
        let made = self
            .store
            .create_workspace("another".to_owned(), plan, stored, self.clock.now());
        made.await.expect("a workspace");
        key
    }

    /// A key of the first workspace with these scopes.
    pub(crate) async fn key_with(&self, scopes: impl IntoIterator<Item = Scope>) -> ApiKeySecret {
        let key = ApiKeySecret::generate(KeyKind::Live);
        let stored =
            postern_store::NewApiKey::of(&key, self.workspace, "limited", scopes.into_iter().collect());
        let added = self.store.add_api_key(stored, self.clock.now()).await;
        assert!(added.expect("stored"));
        key
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        self.call_as(&self.key, method, path)
    }

    pub(crate) fn call_as(&self, key: &ApiKeySecret, method: Method, path: &str) -> Call {
        Call(
            self.http
                .request(method, self.url(path))
                .bearer_auth(key.expose()),
        )
    }

    pub(crate) fn call_without_key(&self, method: Method, path: &str) -> Call {
        Call(self.http.request(method, self.url(path)))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path).json(body).send().await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A connection on which a client may say what it likes.
    pub(crate) async fn connect_raw(&self) -> tokio::net::TcpStream {
        let socket = tokio::net::TcpStream::connect(self.address).await;
        socket.expect("connected")
    }

    /// Sends bytes as they are and answers everything until the server closes; for what a client refuses to send.
    pub(crate) async fn raw(&self, request: &[u8]) -> String {
        let mut socket = self.connect_raw().await;
        socket.write_all(request).await.expect("written");
        let mut answer = Vec::new();
        within(socket.read_to_end(&mut answer)).await.expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The same, where the server may close before it has read everything: what could not be written is not needed.
    pub(crate) async fn cut_off(&self, request: &[u8]) -> String {
        let (mut reading, mut writing) = self.connect_raw().await.into_split();
        let write = async {
            drop(writing.write_all(request).await);
            // Stays open: its end is the server's to tell.
            writing
        };
        let read = async {
            let mut answer = Vec::new();
            drop(within(reading.read_to_end(&mut answer)).await);
            answer
        };
        let (_writing, answer) = futures_util::future::join(write, read).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn unlinked_device(&self) -> DeviceId {
        let answer = self.post("/v1/devices", &json!({ "name": "till" })).await;
        answer.expect(StatusCode::CREATED)["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id")
    }

    /// An endpoint that wants everything; answers its id.
    pub(crate) async fn webhook(&self) -> String {
        let body = json!({ "url": "https://example.com/hook" });
        let created = self.post("/v1/webhooks", &body).await.expect(StatusCode::CREATED);
        created["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn connected_device(&self) -> DeviceId {
        let device = self.unlinked_device().await;
        self.connect(device).await;
        device
    }

    pub(crate) async fn connect(&self, device: DeviceId) {
        let now = SystemClock.now();
        let digits = self.phones.fetch_add(1, Ordering::Relaxed).to_string();
        let account = Account {
            phone: PhoneNumber::from_digits(&digits).expect("a number"),
            lid: None,
            companion: 3,
            push_name: Some("Ada".to_owned()),
            platform: Some("android".to_owned()),
        };
        self.store
            .link_account(device, account, now)
            .await
            .expect("linked");
        self.signal(device, Signal::Connected).await;
    }

    /// Deletes every event but the last of all.
    pub(crate) async fn forget_events(&self) {
        let later = self.clock.now().after(Duration::from_hours(1));
        let swept = self.store.sweep(Swept::Events, later, 0).await;
        assert_eq!(swept, Ok(None));
    }

    pub(crate) async fn signal(&self, device: DeviceId, signal: Signal) {
        let now = SystemClock.now();
        self.store.signal(device, signal, now).await.expect("signalled");
        self.wakes.shown.ring(&device);
    }
}

impl Call {
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_ref()).expect("a header");
        Self(self.0.header(name, value))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.header("content-type", content_type).body(body.into()))
    }

    /// The answer as it comes, of a stream that does not end.
    pub(crate) async fn open(self) -> reqwest::Response {
        let response = self.0.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        response
    }

    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.expect("an answer");
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: within(response.bytes()).await.expect("a body").to_vec(),
        }
    }
}

impl Answer {
    /// The body, when the status is the expected one.
    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// An error in its envelope; answers the message.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> String {
        let body = self.expect(StatusCode::from_u16(status).expect("a status"));
        let error = &body["error"];
        assert_eq!(error["code"], code, "{body}");
        assert_eq!(error["requestId"], self.header("x-request-id"), "{body}");
        let message = error["message"].as_str().expect("a message");
        assert!(!message.is_empty());
        message.to_owned()
    }

    /// The fields a 400 names.
    #[track_caller]
    pub(crate) fn expect_fields(&self, fields: &[&str]) {
        self.expect_error(400, "VALIDATION_ERROR");
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        let named: Vec<_> = body["error"]["details"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|detail| detail["field"].as_str())
            .collect();
        assert_eq!(named, fields, "{body}");
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }
}

/// What has to come. When it does not, its test fails, and does not hold up the others for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(DEADLINE, future).await;
    outcome.expect("what has to come in time")
}

/// The next piece of a stream; `None` at its end.
pub(crate) async fn next_piece(stream: &mut reqwest::Response) -> Option<Vec<u8>> {
    let piece = within(stream.chunk()).await;
    piece.expect("read").map(|bytes| bytes.to_vec())
}

/// All of a stream up to its end, which has to come.
pub(crate) async fn rest(stream: &mut reqwest::Response) -> String {
    let mut text = Vec::new();
    within(async {
        while let Some(piece) = next_piece(stream).await {
            text.extend(piece);
        }
    })
    .await;
    String::from_utf8_lossy(&text).into_owned()
}

/// All of a stream up to where it says `word`, which has to come.
pub(crate) async fn read_until(stream: &mut reqwest::Response, word: &str) -> String {
    let mut text = Vec::new();
    within(async {
        while !String::from_utf8_lossy(&text).contains(word) {
            text.extend(next_piece(stream).await.expect("more"));
        }
    })
    .await;
    String::from_utf8_lossy(&text).into_owned()
}

fn open(folder: &TempDir) -> Store {
    Store::open(&StoreOptions::new(folder.path())).expect("a store")
}

fn serve(api: Api) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let options = ServerOptions {
        workers: Some(2),
        ..ServerOptions::default()
    };
    let running = server(listener, api, &options).expect("a server");
    drop(Tasks::new().spawn("HTTP server", running));
    address
}

/// A batch of texts from one device, each to a number of its own.
pub(crate) fn batch_of(device: DeviceId, texts: &[&str]) -> Value {
    let message = |(index, text): (usize, &&str)| {
        let to = format!("+1555123{index:04}");
        json!({ "to": to, "type": "text", "text": { "body": text } })
    };
    let messages: Vec<_> = texts.iter().enumerate().map(message).collect();
    json!({ "deviceId": device.to_string(), "messages": messages })
}

/// A text message to a number that exists.
pub(crate) fn text_to(device: DeviceId, body: &str) -> Value {
    json!({ "deviceId": device.to_string(), "to": "+15551234567", "type": "text", "text": { "body": body } })
}
