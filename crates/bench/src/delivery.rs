//! From acceptance to the contact's phone, on an idle system.

use anyhow::Context as _;
use hdrhistogram::Histogram;
use postern_testkit::{Postern, TestDaemon, TestSandbox};
use serde_json::Value;

const OWNER: &str = "+4915112345678";
const CONTACT: &str = "+15551234567";
/// Messages sent one after the other for the latency row.
const ALONE: usize = 200;

/// Prints the row.
pub(crate) async fn measure(this: &Postern) -> anyhow::Result<()> {
    let postern = this.clone().with_arguments(&["postern"]);
    let network = TestSandbox::start(&postern).await?;
    let daemon = TestDaemon::start(&postern, &network).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    // Receipts are traffic of their own; the contact confirms delivery and opens nothing.
    network
        .set_contact(CONTACT, serde_json::json!({ "autoRead": false }))
        .await?;
    let first = daemon
        .send_text(&device, CONTACT, "the first message sets the session up")
        .await?;
    daemon.message_reaches(&first, "delivered").await?;

    latency(&network, &daemon, &device).await
}

/// The daemon's own time of acceptance against the contact's time of decryption: one clock, whole milliseconds.
async fn latency(network: &TestSandbox, daemon: &TestDaemon, device: &str) -> anyhow::Result<()> {
    let mut accepted = Vec::with_capacity(ALONE);
    for number in 0..ALONE {
        let message = daemon.send_text(device, CONTACT, &format!("{number}")).await?;
        accepted.push(daemon.message_reaches(&message, "delivered").await?);
    }
    let received = network.received_by(CONTACT).await?;
    let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000, 3)?;
    for message in &accepted {
        let copy = received
            .iter()
            .find(|copy| copy["stanzaId"] == message["stanzaId"])
            .context("it never arrived")?;
        let took = time(&copy["receivedAt"])? - time(&message["createdAt"])?;
        histogram.saturating_record(u64::try_from(took).unwrap_or(0));
    }
    println!(
        "accepted to decrypted by the contact, {ALONE} messages one by one: p50 {} ms, p99 {} ms",
        histogram.value_at_quantile(0.5),
        histogram.value_at_quantile(0.99)
    );
    Ok(())
}

/// A time of the API, in milliseconds.
pub(crate) fn time(value: &Value) -> anyhow::Result<i64> {
    let text = value.as_str().context("no time")?;
    Ok(chrono::DateTime::parse_from_rfc3339(text)?.timestamp_millis())
}
