//! Durable accepts a second at 1, 64 and 256 connections, beside a no-op handler.

use anyhow::Context as _;
use postern_testkit::{Postern, TestDaemon, TestSandbox, TestServer, text};

use crate::load::{Requests, Run, run};
use crate::meter;

const CONTACT: &str = "+15551234567";

/// Prints the table.
pub(crate) async fn measure(this: &Postern, requests: u64) -> anyhow::Result<()> {
    let network = TestSandbox::start(&this.clone().with_arguments(&["postern"])).await?;
    let daemon = TestDaemon::start(&this.clone().with_arguments(&["postern"]), &network).await?;
    // Never paired: what is accepted waits, so that only accepting is measured.
    let device = daemon.create_device().await?;
    let mut body = text(
        &device,
        CONTACT,
        "a message of ordinary length, as a shop would send it",
    );
    body["ifDisconnected"] = "queue".into();
    let body = body.to_string();
    let noop = TestServer::start(this.command(&["noop"]), "listening on http://").await?;

    println!(
        "| connections | durable accepts/s | p50 ms | p99 ms | no-op handler/s | ratio | µs of processor each: accept, no-op |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    for connections in [1, 64, 256] {
        // One connection waits for one disk write at a time; a tenth of the requests says as much.
        let total = if connections == 1 { requests / 10 } else { requests };
        let yardstick = to(noop.url(), None, &body)?;
        let yardstick = Cost::of(noop.pid(), &yardstick, connections, total).await?;
        let key = format!("Bearer {}", daemon.key());
        let accepts = to(daemon.http().base(), Some(key), &body)?;
        let accepts = Cost::of(daemon.pid(), &accepts, connections, total).await?;
        row(connections, &accepts, &yardstick);
    }
    println!();
    Ok(())
}

/// A run, and what it cost the server.
struct Cost {
    run: Run,
    /// Processor time for each request, in microseconds.
    micros: f64,
}

impl Cost {
    async fn of(
        server: Option<u32>,
        requests: &Requests,
        connections: u64,
        total: u64,
    ) -> anyhow::Result<Self> {
        let server = server.context("the server is gone")?;
        let before = meter::processor_time(server)?;
        let requests = Requests {
            run: connections.to_string(),
            ..requests.clone()
        };
        let run = run(&requests, connections, total).await?;
        let busy = meter::processor_time(server)?.saturating_sub(before);
        Ok(Self {
            run,
            micros: meter::micros_each(busy, total),
        })
    }
}

fn to(base: &str, authorization: Option<String>, body: &str) -> anyhow::Result<Requests> {
    let address = base
        .strip_prefix("http://")
        .context("not an http address")?
        .to_owned();
    Ok(Requests {
        address,
        authorization,
        bodies: vec![body.to_owned()],
        run: String::new(),
    })
}

fn row(connections: u64, accepts: &Cost, yardstick: &Cost) {
    let (run, noop) = (&accepts.run, &yardstick.run);
    println!(
        "| {connections} | {:.0} | {:.2} | {:.2} | {:.0} | {:.2} | {:.0}, {:.0} |",
        run.rate,
        millis(run.latency.value_at_quantile(0.5)),
        millis(run.latency.value_at_quantile(0.99)),
        noop.rate,
        run.rate / noop.rate,
        accepts.micros,
        yardstick.micros
    );
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
