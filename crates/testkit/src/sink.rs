//! An endpoint for webhooks: a real HTTP server that keeps what it gets and answers as it is told, also as none should.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// The first byte of a client that speaks TLS.
const TLS_HANDSHAKE: u8 = 22;

/// A request as the endpoint got it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path with its query.
    pub path: String,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// When its last byte was there.
    pub at: Instant,
    /// How many requests of the same `webhook-id` came to the same path before it.
    pub repetition: usize,
}

impl Received {
    /// The value of a header; empty when there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The header `webhook-id`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The type of the event.
    #[must_use]
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// What the endpoint does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answers with this status, these headers and this body.
    Answer(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// Answers with a status after a while.
    Late(u16, Duration),
    /// Says nothing and keeps the connection.
    Hang,
    /// Closes the connection without an answer.
    Reset,
    /// Answers with a body that never ends, as fast as it is read.
    Endless,
    /// Answers with something that is not HTTP.
    Garbage,
}

impl Reply {
    /// Answers with a status and nothing else.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), Vec::new())
    }
}

type Behaviour = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

#[derive(Default)]
struct Kept {
    requests: Vec<Received>,
    /// How many of them there are of each path and id.
    times: HashMap<(String, String), usize>,
}

struct State {
    received: Mutex<Kept>,
    behaviour: Mutex<Behaviour>,
}

/// A running endpoint. It stops with the runtime of the test.
#[derive(Clone)]
pub struct WebhookSink {
    address: SocketAddr,
    state: Arc<State>,
}

impl WebhookSink {
    /// Starts one on a free port that accepts everything, challenges too.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::on("127.0.0.1:0").await
    }

    /// The same on an address of one's own.
    ///
    /// # Errors
    /// The address is taken.
    pub async fn on(address: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accept: Behaviour = Arc::new(|_| Reply::status(204));
        let state = Arc::new(State {
            received: Mutex::default(),
            behaviour: Mutex::new(accept),
        });
        serve(listener, Arc::clone(&state));
        Ok(Self { address, state })
    }

    /// Its URL, with this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it does this with every request but challenges, which it always answers.
    pub fn behave(&self, behaviour: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *lock(&self.state.behaviour) = Arc::new(behaviour);
    }

    /// What it got so far, without challenges.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).requests.clone()
    }

    /// How much it got so far.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.state.received).requests.len()
    }

    /// Forgets what it got.
    pub fn clear(&self) {
        *lock(&self.state.received) = Kept::default();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[expect(
    clippy::disallowed_methods,
    reason = "harness tasks that end with the test's runtime"
)]
fn serve(listener: TcpListener, state: Arc<State>) {
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let state = Arc::clone(&state);
            // A connection that ends early is the client's business.
            tokio::spawn(async move { converse(socket, &state).await.ok() });
        }
    });
}

async fn converse(socket: TcpStream, state: &State) -> anyhow::Result<()> {
    socket.set_nodelay(true)?;
    let mut socket = BufReader::new(socket);
    if socket.fill_buf().await?.first() == Some(&TLS_HANDSHAKE) {
        // What a server without TLS says to a client that has it.
        let hello = socket.buffer().len();
        socket.consume(hello);
        socket
            .get_mut()
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await?;
        return Ok(());
    }
    while let Some(request) = read(&mut socket).await? {
        let reply = reply(request, state);
        if !answer(socket.get_mut(), reply).await? {
            break;
        }
    }
    Ok(())
}

fn reply(mut request: Received, state: &State) -> Reply {
    if request.kind() == "webhook.challenge" {
        let token = request.json()["data"]["token"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let body = serde_json::json!({ "token": token }).to_string();
        return Reply::Answer(
            200,
            vec![("content-type", "application/json".to_owned())],
            body.into(),
        );
    }
    let behaviour = Arc::clone(&lock(&state.behaviour));
    let mut received = lock(&state.received);
    let key = (request.path.clone(), request.id().to_owned());
    let times = received.times.entry(key).or_default();
    request.repetition = *times;
    *times += 1;
    received.requests.push(request.clone());
    drop(received);
    behaviour(&request)
}

/// The next request; `None` when the client is done.
async fn read(socket: &mut BufReader<TcpStream>) -> anyhow::Result<Option<Received>> {
    let mut line = String::new();
    if socket.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).context("no path")?.to_owned();
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        line.clear();
        socket.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse()?;
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    Ok(Some(Received {
        path,
        headers,
        body,
        at: Instant::now(),
        repetition: 0,
    }))
}

/// Whether the connection goes on.
async fn answer(socket: &mut TcpStream, reply: Reply) -> anyhow::Result<bool> {
    match reply {
        Reply::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} Test\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            head.push_str("\r\n");
            let mut bytes = head.into_bytes();
            // An answer of this status has neither a body nor a length of it.
            if status == 204 {
                bytes = b"HTTP/1.1 204 No Content\r\n\r\n".to_vec();
            }
            bytes.extend(body);
            socket.write_all(&bytes).await?;
            Ok(true)
        }
        Reply::Late(status, wait) => {
            tokio::time::sleep(wait).await;
            let head = format!("HTTP/1.1 {status} Test\r\ncontent-length: 0\r\n\r\n");
            socket.write_all(head.as_bytes()).await?;
            Ok(true)
        }
        Reply::Hang => {
            // Until the client gives up.
            socket.read_u8().await.ok();
            Ok(false)
        }
        Reply::Reset => Ok(false),
        Reply::Endless => {
            socket.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                socket.write_all(&[b'a'; 8_192]).await?;
            }
        }
        Reply::Garbage => {
            socket.write_all(b"220 mail.example ESMTP\r\n").await?;
            Ok(false)
        }
    }
}
