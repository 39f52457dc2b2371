//! What accepting and sending cost as the tables grow.
//!
//! The rows are messages of the sending device itself that are scheduled for far ahead: they lie in `messages`, in the
//! outbox and in the event log, and every look for the next message passes them by.

use std::time::Instant;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use postern_testkit::{DaemonOptions, Postern, TestDaemon, TestSandbox, text};
use serde_json::{Value, json};

use crate::load::{Requests, run};
use crate::progress::Progress;
use crate::{fleet, meter, sends};

/// Messages in a batch, and batches that are being posted at the same time.
const BATCH: u64 = 1_000;
const AT_ONCE: usize = 4;
const CONNECTIONS: u64 = 64;

/// How many rows.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure with so many messages stored, ascending.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    rows: Vec<u64>,
    /// Messages accepted, and as many sent, for each row of the table.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    messages: u64,
}

/// Prints the table.
pub(crate) async fn measure(this: &Postern, options: &Options) -> anyhow::Result<()> {
    let postern = this.clone().with_arguments(&["postern"]);
    let network = TestSandbox::start(&postern).await?;
    let daemon = TestDaemon::start_with(&postern, &network, DaemonOptions::default()).await?;
    let idle = daemon.create_device().await?;
    let (devices, _took) = fleet::link(&daemon, &network, 0, 1).await?;
    let sender = devices.first().context("one was linked")?;
    let contact = fleet::contact(0);
    network
        .set_contact(&contact, json!({ "autoRead": false }))
        .await?;
    let first = daemon
        .send_text(&sender.id, &contact, "sets the session up")
        .await?;
    daemon.message_reaches(&first, "delivered").await?;

    let mut waiting = text(&idle, &contact, "one of many");
    waiting["ifDisconnected"] = "queue".into();
    let leaving = text(&sender.id, &contact, "one of many");
    println!(
        "| messages stored | accepts/s | µs of processor an accept | sends/s | µs of processor a send | accepts/s while filling |"
    );
    println!("|---:|---:|---:|---:|---:|---:|");
    let mut stored = 0;
    for rows in &options.rows {
        let filled = fill(&daemon, &sender.id, stored, *rows).await?;
        stored = stored.max(*rows);
        let process = daemon.pid().context("the daemon is gone")?;
        meter::idle(process).await?;
        let accepts = requests(&daemon, &waiting, format!("accepts-{rows}"));
        let accepts = cost(
            process,
            options.messages,
            run(&accepts, CONNECTIONS, options.messages),
        )
        .await?;
        meter::idle(process).await?;
        let posts = requests(&daemon, &leaving, format!("sends-{rows}"));
        let sending = async {
            run(&posts, CONNECTIONS, options.messages).await?;
            sends::all_left(&daemon, sender, &contact).await
        };
        let sends = cost(process, options.messages, sending).await?;
        println!(
            "| {rows} | {:.0} | {:.0} | {:.0} | {:.0} | {filled:.0} |",
            accepts.0, accepts.1, sends.0, sends.1
        );
    }
    println!();
    Ok(())
}

/// Has batches accepted until there are `to` rows; answers how many a second.
async fn fill(daemon: &TestDaemon, device: &str, from: u64, to: u64) -> anyhow::Result<f64> {
    let later = in_300_days();
    let message = json!({
        "to": "+15551234567", "type": "text", "text": { "body": "later" }, "sendAt": later.to_rfc3339()
    });
    let batch = |size: u64| json!({ "deviceId": device, "messages": vec![&message; usize::try_from(size).unwrap_or(0)] });
    let missing = to.saturating_sub(from);
    let (full, rest) = (batch(BATCH), batch(missing % BATCH));
    let bodies = (0..missing / BATCH)
        .map(|_| &full)
        .chain((!missing.is_multiple_of(BATCH)).then_some(&rest));
    let (started, mut done) = (Instant::now(), 0);
    let mut progress = Progress::new("messages stored", usize::try_from(to)?);
    let mut posting = stream::iter(bodies)
        .map(|body| daemon.http().post("/v1/messages/batch", body))
        .buffered(AT_ONCE);
    while let Some(answer) = posting.try_next().await? {
        answer.ok()?;
        done += BATCH;
        progress.at(usize::try_from(from + done.min(missing))?);
    }
    Ok(meter::per_second(missing, started.elapsed().as_secs_f64()))
}

/// So late that nothing of it leaves meanwhile.
#[expect(
    clippy::disallowed_methods,
    reason = "the daemon that is measured has the system's clock"
)]
fn in_300_days() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() + chrono::Duration::days(300)
}

fn requests(daemon: &TestDaemon, body: &Value, run: String) -> Requests {
    Requests {
        address: daemon.http().base().trim_start_matches("http://").to_owned(),
        authorization: Some(format!("Bearer {}", daemon.key())),
        bodies: vec![body.to_string()],
        run,
    }
}

/// How many a second, and microseconds of processor time for each.
async fn cost<T>(
    process: u32,
    messages: u64,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(f64, f64)> {
    let (before, started) = (meter::processor_time(process)?, Instant::now());
    work.await?;
    let seconds = started.elapsed().as_secs_f64();
    let busy = meter::processor_time(process)?.saturating_sub(before);
    Ok((
        meter::per_second(messages, seconds),
        meter::micros_each(busy, messages),
    ))
}
