//! Durable accepts a second at 1, 64 and 256 connections, beside a no-op handler.

use anyhow::Context as _;
use postern_testkit::{Postern, TestDaemon, TestSandbox, TestServer, text};

use crate::load::{Requests, Run, run};

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

    println!("| connections | durable accepts/s | p50 ms | p99 ms | no-op handler/s | ratio |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for connections in [1, 64, 256] {
        // One connection waits for one disk write at a time; a tenth of the requests says as much.
        let total = if connections == 1 { requests / 10 } else { requests };
        let yardstick = run(&to(noop.url(), None, &body, connections)?, connections, total).await?;
        let key = format!("Bearer {}", daemon.key());
        let accepts = run(
            &to(daemon.http().base(), Some(key), &body, connections)?,
            connections,
            total,
        )
        .await?;
        row(connections, &accepts, &yardstick);
    }
    println!();
    Ok(())
}

fn to(base: &str, authorization: Option<String>, body: &str, run: u64) -> anyhow::Result<Requests> {
    let address = base
        .strip_prefix("http://")
        .context("not an http address")?
        .to_owned();
    Ok(Requests {
        address,
        authorization,
        body: body.to_owned(),
        run: run.to_string(),
    })
}

fn row(connections: u64, accepts: &Run, yardstick: &Run) {
    println!(
        "| {connections} | {:.0} | {:.2} | {:.2} | {:.0} | {:.2} |",
        accepts.rate,
        millis(accepts.latency.value_at_quantile(0.5)),
        millis(accepts.latency.value_at_quantile(0.99)),
        yardstick.rate,
        accepts.rate / yardstick.rate
    );
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
