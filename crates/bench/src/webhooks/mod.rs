//! Deliveries to webhooks: how many a second, what a dead endpoint beside them costs, and how soon one arrives.

mod sink;

use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use postern_testkit::{DaemonOptions, Postern, TestDaemon, TestSandbox, eventually};
use serde_json::{Value, json};

use self::sink::Sink;

const CONTACT: &str = "+15551234567";
/// Messages of one batch.
const BATCH: u64 = 1_000;
/// Events that happen one after the other for the latency row.
const ALONE: u64 = 200;

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Deliveries in each row, to all of its endpoints together.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    deliveries: u64,
}

/// Prints the rows.
pub(crate) async fn measure(this: &Postern, options: &Options) -> anyhow::Result<()> {
    println!("webhook deliveries to a local endpoint, 8 at once to each, each recorded with its try");
    for endpoints in [1, 20] {
        let alone = throughput(this, endpoints, false, options.deliveries).await?;
        let beside = throughput(this, endpoints, true, options.deliveries).await?;
        println!(
            "  {endpoints} endpoints: {alone:.0}/s; with a dead one beside: {beside:.0}/s, {:.2} of that",
            beside / alone
        );
    }
    latency(this).await
}

/// A daemon whose events come from an unlinked device, which makes one for every message that is accepted.
struct World {
    _network: TestSandbox,
    daemon: TestDaemon,
    device: String,
    sink: Sink,
}

impl World {
    async fn new(this: &Postern) -> anyhow::Result<Self> {
        let postern = this.clone().with_arguments(&["postern"]);
        let network = TestSandbox::start(&postern).await?;
        let options = DaemonOptions::default()
            .set("WEBHOOKS__ALLOW", "127.0.0.0/8")
            .set("WEBHOOKS__ALLOW_HTTP", "true");
        let daemon = TestDaemon::start_with(&postern, &network, options).await?;
        let device = daemon.create_device().await?;
        let sink = Sink::start().await?;
        Ok(Self {
            _network: network,
            daemon,
            device,
            sink,
        })
    }

    async fn register(&self, path: &str, enabled: bool) -> anyhow::Result<String> {
        let body = json!({ "url": self.sink.url(path), "enabled": enabled });
        let created = self.daemon.http().post("/v1/webhooks", &body).await?.ok()?;
        Ok(created["id"].as_str().context("no id")?.to_owned())
    }

    async fn enable(&self, webhook: &str) -> anyhow::Result<()> {
        let http = self.daemon.http();
        let path = format!("/v1/webhooks/{webhook}");
        let request = http
            .request(reqwest::Method::PATCH, &path)
            .json(&json!({ "enabled": true }));
        http.send(request).await?.ok().map(drop)
    }

    async fn happen(&self, count: u64) -> anyhow::Result<()> {
        let message = json!({ "to": CONTACT, "type": "text", "text": { "body": "one of many" } });
        let messages: Vec<Value> = (0..count).map(|_| message.clone()).collect();
        let batch = json!({ "deviceId": self.device, "ifDisconnected": "queue", "messages": messages });
        self.daemon
            .http()
            .post("/v1/messages/batch", &batch)
            .await?
            .ok()
            .map(drop)
    }

    async fn arrived(&self, count: u64) -> anyhow::Result<()> {
        eventually("everything arrived", || async {
            Ok((self.sink.count() >= count).then_some(()))
        })
        .await
    }
}

/// The events are there before the endpoints are enabled, so that nothing but deliveries is measured.
async fn throughput(this: &Postern, endpoints: u64, dead: bool, deliveries: u64) -> anyhow::Result<f64> {
    let world = World::new(this).await?;
    let mut webhooks = Vec::new();
    for number in 0..endpoints {
        webhooks.push(world.register(&format!("/{number}"), false).await?);
    }
    if dead {
        webhooks.insert(0, world.register("/dead", false).await?);
    }
    let events = (deliveries / endpoints).div_ceil(BATCH) * BATCH;
    for _ in 0..events / BATCH {
        world.happen(BATCH).await?;
    }
    let started = Instant::now();
    for webhook in &webhooks {
        world.enable(webhook).await?;
    }
    let expected = events * endpoints;
    world.arrived(expected).await?;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rate = expected as f64 / started.elapsed().as_secs_f64();
    Ok(rate)
}

/// From the time that is written into an event, before its commit, to the arrival of its request: one clock, whole
/// milliseconds.
async fn latency(this: &Postern) -> anyhow::Result<()> {
    let world = World::new(this).await?;
    world.register("/hook", true).await?;
    world.happen(1).await?;
    world.arrived(1).await?;
    world.sink.watch_latency().await?;
    for number in 0..ALONE {
        world.happen(1).await?;
        world.arrived(number + 2).await?;
    }
    let latency = world.sink.latency().await?;
    println!(
        "  from a change to the request that tells of it, {ALONE} one by one: p50 {} ms, p99 {} ms",
        latency.value_at_quantile(0.5),
        latency.value_at_quantile(0.99)
    );
    Ok(())
}
