//! Sends a second, from the first request until WhatsApp's server has acknowledged the last message, beside the client
//! alone.

use std::time::Instant;

use anyhow::Context as _;
use postern_testkit::{Postern, TestDaemon, TestSandbox, text};
use serde_json::json;
use tempfile::TempDir;

use crate::fleet::{self, Device};
use crate::load::{Requests, run};
use crate::meter;

const CONNECTIONS: u64 = 64;
/// How many devices send at the same time, in the rows of the table.
const FLEETS: [usize; 2] = [1, 50];

/// What a row shows of one way to send.
struct Rate {
    per_second: f64,
    /// Processor time of the sending process for each message, in microseconds.
    micros: f64,
}

/// Prints the table.
pub(crate) async fn measure(this: &Postern, messages: u64) -> anyhow::Result<()> {
    let network = TestSandbox::start(&this.clone().with_arguments(&["postern"])).await?;
    println!(
        "| devices | sends/s | bare client, keys in memory/s | ratio | bare client on keys.db/s | ratio | µs of processor a send |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|");
    let mut numbers = 0;
    for devices in FLEETS {
        let mut next = || {
            numbers += devices;
            numbers - devices
        };
        let memory = bare(this, &network, (next(), devices), messages, None).await?;
        let folder = TempDir::new()?;
        let stored = bare(this, &network, (next(), devices), messages, Some(&folder)).await?;
        let postern = daemon(this, &network, (next(), devices), messages).await?;
        println!(
            "| {devices} | {:.0} | {:.0} | {:.2} | {:.0} | {:.2} | {:.0}, bare {:.0} and {:.0} |",
            postern.per_second,
            memory.per_second,
            postern.per_second / memory.per_second,
            stored.per_second,
            postern.per_second / stored.per_second,
            postern.micros,
            memory.micros,
            stored.micros
        );
    }
    println!();
    Ok(())
}

/// Of the client alone, in a process of its own.
async fn bare(
    this: &Postern,
    network: &TestSandbox,
    (first, devices): (usize, usize),
    messages: u64,
    keys: Option<&TempDir>,
) -> anyhow::Result<Rate> {
    quiet_contacts(network, (first, devices)).await?;
    let numbers = [first.to_string(), devices.to_string(), messages.to_string()];
    let mut command = this.command(&["bare", "--network", network.websocket_url()]);
    command.args(["--control", network.http().base()]);
    command.args([
        "--first",
        &numbers[0],
        "--devices",
        &numbers[1],
        "--messages",
        &numbers[2],
    ]);
    if let Some(folder) = keys {
        command.arg("--keys").arg(folder.path().join("keys.db"));
    }
    let output = command.output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut words = said
        .lines()
        .find_map(|line| line.strip_prefix("sent "))
        .with_context(|| {
            format!(
                "the bare client failed: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?
        .split(' ');
    let mut next = || anyhow::Ok(words.next().context("a word is missing")?.parse()?);
    Ok(Rate {
        per_second: next()?,
        micros: next()?,
    })
}

async fn daemon(
    this: &Postern,
    network: &TestSandbox,
    (first, count): (usize, usize),
    messages: u64,
) -> anyhow::Result<Rate> {
    quiet_contacts(network, (first, count)).await?;
    let daemon = TestDaemon::start(&this.clone().with_arguments(&["postern"]), network).await?;
    let (devices, _took) = fleet::link(&daemon, network, first, count).await?;
    for (number, device) in devices.iter().enumerate() {
        let contact = fleet::contact(first + number);
        let message = daemon
            .send_text(&device.id, &contact, "sets the session up")
            .await?;
        daemon.message_reaches(&message, "delivered").await?;
    }
    let requests = Requests {
        address: daemon.http().base().trim_start_matches("http://").to_owned(),
        authorization: Some(format!("Bearer {}", daemon.key())),
        bodies: bodies(first, &devices),
        run: "sends".to_owned(),
    };
    let process = daemon.pid().context("the daemon is gone")?;
    let (before, started) = (meter::processor_time(process)?, Instant::now());
    run(
        &requests,
        CONNECTIONS.next_multiple_of(u64::try_from(count)?),
        messages,
    )
    .await?;
    for (number, device) in devices.iter().enumerate() {
        all_left(&daemon, device, &fleet::contact(first + number)).await?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let busy = meter::processor_time(process)?.saturating_sub(before);
    let mut arrived = 0;
    for number in first..first + count {
        arrived += network.received_by(&fleet::contact(number)).await?.len();
    }
    let expected = usize::try_from(messages)? + 2 * count;
    anyhow::ensure!(arrived == expected, "{arrived} arrived, {expected} were sent");
    Ok(Rate {
        per_second: meter::per_second(messages, seconds),
        micros: meter::micros_each(busy, messages),
    })
}

/// What the connections post: to each device's own contact, device after device.
fn bodies(first: usize, devices: &[Device]) -> Vec<String> {
    let numbered = devices.iter().zip(first..);
    numbered
        .map(|(device, number)| text(&device.id, &fleet::contact(number), "one of many").to_string())
        .collect()
}

/// Read receipts are traffic of their own: the contacts confirm delivery and open nothing.
async fn quiet_contacts(network: &TestSandbox, (first, count): (usize, usize)) -> anyhow::Result<()> {
    for number in first..first + count {
        network
            .set_contact(&fleet::contact(number), json!({ "autoRead": false }))
            .await?;
    }
    Ok(())
}

/// Waits until everything that a device was given is with WhatsApp's server: one more message to the same chat, which
/// leaves after all others.
pub(crate) async fn all_left(daemon: &TestDaemon, device: &Device, contact: &str) -> anyhow::Result<()> {
    let last = daemon.send_text(&device.id, contact, "the last one").await?;
    daemon.message_reaches(&last, "delivered").await.map(drop)
}
