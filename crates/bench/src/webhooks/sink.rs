//! An endpoint that costs little: it counts, answers at once, and says nothing to whoever asks under `/dead`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use crate::delivery::time;

const ACCEPTED: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A running endpoint.
#[derive(Clone)]
pub(super) struct Sink {
    address: SocketAddr,
    seen: Arc<Seen>,
}

struct Seen {
    count: AtomicU64,
    /// From the time of an event to its arrival, in milliseconds; nobody listens until it is asked for.
    latency: Mutex<Option<Histogram<u64>>>,
}

impl Sink {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen {
            count: AtomicU64::new(0),
            latency: Mutex::new(None),
        });
        let sink = Self { address, seen };
        serve(listener, sink.clone());
        Ok(sink)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests came, those to `/dead` left out.
    pub(super) fn count(&self) -> u64 {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// From now on the latency of every request is noted.
    pub(super) async fn watch_latency(&self) -> anyhow::Result<()> {
        *self.seen.latency.lock().await = Some(Histogram::new_with_bounds(1, 60_000, 3)?);
        Ok(())
    }

    /// What was noted since.
    pub(super) async fn latency(&self) -> anyhow::Result<Histogram<u64>> {
        self.seen.latency.lock().await.take().context("nobody listened")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that ends with the measurement"
)]
fn serve(listener: TcpListener, sink: Sink) {
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let sink = sink.clone();
            tokio::spawn(async move { sink.converse(socket).await.ok() });
        }
    });
}

impl Sink {
    async fn converse(&self, mut socket: TcpStream) -> anyhow::Result<()> {
        socket.set_nodelay(true)?;
        let mut buffer = Vec::with_capacity(8 << 10);
        loop {
            let Some((head, end)) = read(&mut socket, &mut buffer).await? else {
                return Ok(());
            };
            let body = &buffer[head..end];
            if contains(body, b"\"webhook.challenge\"") {
                let challenge: Value = serde_json::from_slice(body)?;
                let token = challenge["data"]["token"].as_str().context("no token")?;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{token}",
                    token.len()
                );
                socket.write_all(answer.as_bytes()).await?;
            } else if buffer.starts_with(b"POST /dead") {
                socket.read_u8().await?;
            } else {
                self.note(body).await?;
                socket.write_all(ACCEPTED).await?;
            }
            buffer.drain(..end);
        }
    }

    async fn note(&self, body: &[u8]) -> anyhow::Result<()> {
        if let Some(latency) = self.seen.latency.lock().await.as_mut() {
            let event: Value = serde_json::from_slice(body)?;
            let took =
                chrono::DateTime::<chrono::Utc>::from(now()).timestamp_millis() - time(&event["timestamp"])?;
            latency.saturating_record(u64::try_from(took).unwrap_or(0));
        }
        self.seen.count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with the times that another process wrote"
)]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

/// Reads until a whole request is in the buffer; answers where its body begins and ends.
async fn read(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<Option<(usize, usize)>> {
    loop {
        if let Some(head) = position(buffer, b"\r\n\r\n").map(|at| at + 4) {
            let end = head + length(&buffer[..head])?;
            if buffer.len() >= end {
                return Ok(Some((head, end)));
            }
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn length(head: &[u8]) -> anyhow::Result<usize> {
    let head = std::str::from_utf8(head)?;
    let field = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    Ok(field.context("no length")?.parse()?)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    position(bytes, wanted).is_some()
}
