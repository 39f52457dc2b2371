//! The yardstick of the sends: whatsapp-rust alone, in a loop, in a process of its own.
//!
//! Each device sends to a contact of its own, one message after the other as soon as the one before is written, until
//! the server has acknowledged all of them. Nothing is accepted, claimed or recorded.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use postern_domain::DeviceId;
use postern_store::{KeyStore, KeyStoreOptions};
use postern_testkit::Http;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::timeout;
use wacore::net::{HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent, TransportFactory};
use wacore::store::InMemoryBackend;
use wacore::store::traits::Backend;
use wacore::types::events::Event;
use waproto::whatsapp::Message;
use whatsapp_rust::prelude::{Bot, BotHandle, Client};
use whatsapp_rust::{Jid, async_channel};

use crate::{fleet, meter};

/// How long linking may take, and how long an ack may be on its way.
const PATIENCE: Duration = Duration::from_secs(60);
/// Shown to the server, which does not care.
const VERSION: (u32, u32, u32) = (2, 3000, 1_234_567_890);

/// What the parent process asks for.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The sandbox's WebSocket.
    #[arg(long)]
    network: String,
    /// The sandbox's control API.
    #[arg(long)]
    control: String,
    #[arg(long)]
    devices: usize,
    /// The number of the first device's account.
    #[arg(long)]
    first: usize,
    /// Of all devices together.
    #[arg(long)]
    messages: u64,
    /// Where the keys lie; in memory when there is none.
    #[arg(long)]
    keys: Option<PathBuf>,
}

/// Links the devices, sends, and prints messages a second and microseconds of processor time a message.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let control = Http::new(options.control.clone(), None)?;
    let keys = options
        .keys
        .as_ref()
        .map(|path| KeyStore::open(&KeyStoreOptions::new(path)));
    let keys = keys.transpose()?;
    let mut devices = Vec::with_capacity(options.devices);
    for number in options.first..options.first + options.devices {
        let backend: Arc<dyn Backend> = match &keys {
            Some(keys) => keys.backend(DeviceId::generate()).await?.backend,
            None => Arc::new(InMemoryBackend::new()),
        };
        devices.push(Device::link(&control, &options.network, backend, number).await?);
    }
    let share = options.messages / u64::try_from(options.devices)?;
    let process = std::process::id();
    let (before, started) = (meter::processor_time(process)?, Instant::now());
    try_join_all(devices.iter().map(|device| device.send(share))).await?;
    let (seconds, busy) = (
        started.elapsed().as_secs_f64(),
        meter::processor_time(process)?.saturating_sub(before),
    );
    let sent = share * u64::try_from(options.devices)?;
    println!(
        "sent {} {}",
        meter::per_second(sent, seconds),
        meter::micros_each(busy, sent)
    );
    for device in devices {
        device.handle.shutdown().await;
    }
    Ok(())
}

/// What a client has reported.
#[derive(Default)]
struct Seen {
    code: OnceLock<String>,
    connected: OnceLock<()>,
    acked: AtomicU64,
    news: Notify,
}

impl Seen {
    fn take_in(&self, event: &Event) {
        match event {
            Event::PairingQrCode(code) => drop(self.code.set(code.code.clone())),
            Event::Connected(_) => drop(self.connected.set(())),
            Event::ServerAck(ack) if ack.class.as_deref() == Some("message") && ack.error.is_none() => {
                self.acked.fetch_add(1, Ordering::Relaxed);
            }
            _ => return,
        }
        self.news.notify_one();
    }

    async fn until<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> anyhow::Result<T> {
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            let news = timeout(PATIENCE, self.news.notified()).await;
            news.with_context(|| format!("waited in vain for {what}"))?;
        }
    }

    async fn acked(&self, count: u64) -> anyhow::Result<()> {
        self.until("the server's acks", |seen| {
            (seen.acked.load(Ordering::Relaxed) >= count).then_some(())
        })
        .await
    }
}

struct Device {
    client: Arc<Client>,
    handle: BotHandle,
    seen: Arc<Seen>,
    contact: Jid,
}

impl Device {
    /// Starts a client, lets its phone scan its code, and sends a first message, which sets the session up.
    async fn link(
        control: &Http,
        network: &str,
        backend: Arc<dyn Backend>,
        number: usize,
    ) -> anyhow::Result<Self> {
        let seen = Arc::new(Seen::default());
        let notes = Arc::clone(&seen);
        let bot = Bot::builder()
            .with_backend_arc(backend)
            .with_transport_factory(Loopback(network.to_owned()))
            .with_http_client(NoHttp)
            .with_version(VERSION)
            .with_wanted_pre_key_count(30)
            .skip_history_sync()
            .on_event(move |event, _client| {
                notes.take_in(&event);
                std::future::ready(())
            })
            .build()
            .await?;
        let contact = fleet::contact(number);
        let device = Self {
            client: bot.client(),
            handle: bot.spawn(),
            seen,
            contact: Jid::pn(contact.trim_start_matches('+')),
        };
        let code = device
            .seen
            .until("a code", |seen| seen.code.get().cloned())
            .await?;
        let owner = fleet::owner(number);
        control
            .post(&format!("/phones/{owner}/scan"), &json!({ "qr": code }))
            .await?
            .ok()?;
        // It connects once to pair and once more to log in.
        device
            .seen
            .until("the login", |seen| seen.connected.get().copied())
            .await?;
        device.write().await?;
        device.seen.acked(1).await?;
        Ok(device)
    }

    async fn send(&self, count: u64) -> anyhow::Result<()> {
        let before = self.seen.acked.load(Ordering::Relaxed);
        for _ in 0..count {
            self.write().await?;
        }
        self.seen.acked(before + count).await
    }

    async fn write(&self) -> anyhow::Result<()> {
        let message = Message {
            conversation: Some("one of many".to_owned()),
            ..Message::default()
        };
        self.client.send_message(self.contact.clone(), message).await?;
        Ok(())
    }
}

/// The stock transport leaves Nagle's algorithm on, which would cost 40 ms here and there.
struct Loopback(String);

#[async_trait]
impl TransportFactory for Loopback {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        let address = self.0.trim_start_matches("ws://").split('/').next();
        let socket = tokio::net::TcpStream::connect(address.unwrap_or_default()).await?;
        socket.set_nodelay(true)?;
        let (websocket, _response) = tokio_websockets::ClientBuilder::new()
            .uri(&self.0)?
            .connect_on(socket)
            .await?;
        Ok(whatsapp_rust_tokio_transport::from_websocket(websocket))
    }
}

/// Nothing here needs plain HTTP.
struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
        anyhow::bail!("no HTTP here")
    }
}
