//! Pacing over the API: what may not leave yet says when it will, and leaves then, or as soon as it may.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use postern_testkit::{TestDaemon, eventually};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{CONTACT, linked};

/// Somebody else.
const STRANGER: &str = "+15557654321";

async fn pace(daemon: &TestDaemon, device: &str, pacing: Value) -> anyhow::Result<()> {
    let path = format!("/v1/devices/{device}");
    let change = json!({ "pacing": pacing });
    let change = daemon.http().request(Method::PATCH, &path).json(&change);
    let changed = daemon.http().send(change).await?.ok()?;
    assert_eq!(changed["pacing"].is_null(), pacing.is_null(), "{changed}");
    Ok(())
}

/// Waits until the message says that it is held back; answers when it is expected to leave.
async fn is_paced(daemon: &TestDaemon, message: &str) -> anyhow::Result<DateTime<Utc>> {
    let message = eventually("the message is held back", || async {
        let message = daemon
            .http()
            .get(&format!("/v1/messages/{message}"))
            .await?
            .ok()?;
        anyhow::ensure!(message["status"] == "queued", "it left: {message}");
        Ok((message["reason"] == "paced").then_some(message))
    })
    .await?;
    time(&message["expectedAt"])
}

/// What time it is, or was a moment ago.
async fn now(daemon: &TestDaemon, device: &str) -> anyhow::Result<DateTime<Utc>> {
    let shown = daemon.http().get(&format!("/v1/devices/{device}")).await?.ok()?;
    time(&shown["lastEventAt"])
}

fn time(value: &Value) -> anyhow::Result<DateTime<Utc>> {
    Ok(value.as_str().unwrap_or_default().parse()?)
}

/// When the message was handed to WhatsApp.
async fn leaves(daemon: &TestDaemon, message: &str) -> anyhow::Result<DateTime<Utc>> {
    let read = daemon.message_reaches(message, "read").await?;
    assert_eq!(
        (&read["reason"], &read["expectedAt"]),
        (&Value::Null, &Value::Null)
    );
    let timeline = read["timeline"].as_array().map(Vec::as_slice).unwrap_or_default();
    let step = timeline.iter().find(|step| step["status"] == "processing");
    time(&step.unwrap_or(&Value::Null)["at"])
}

#[tokio::test]
async fn messages_beyond_the_rate_wait_for_their_time() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    pace(&daemon, &device, json!({ "messagesPerMinute": 2 })).await?;
    let first = daemon.send_text(&device, CONTACT, "first").await?;
    let first_left = leaves(&daemon, &first).await?;
    let second = daemon.send_text(&device, CONTACT, "second").await?;
    let expected = is_paced(&daemon, &second).await?;
    let second_left = leaves(&daemon, &second).await?;
    assert!(second_left >= expected, "{second_left} before {expected}");
    assert!(second_left - first_left >= TimeDelta::seconds(30));

    // Of many the last one waits the longest; without a limit all leave, in their order.
    pace(&daemon, &device, json!({ "messagesPerMinute": 1 })).await?;
    let mut waiting = Vec::new();
    for number in 0..3 {
        waiting.push(
            daemon
                .send_text(&device, CONTACT, &format!("number {number}"))
                .await?,
        );
    }
    eventually("the new rate counts", || async {
        let one = is_paced(&daemon, &waiting[1]).await?;
        let next = is_paced(&daemon, &waiting[2]).await?;
        Ok((next - one >= TimeDelta::minutes(1)).then_some(()))
    })
    .await?;
    pace(&daemon, &device, Value::Null).await?;
    for message in &waiting {
        leaves(&daemon, message).await?;
    }
    let received = network.contact_has(CONTACT, 5).await?;
    let texts: Vec<_> = received.iter().map(|message| &message["text"]).collect();
    assert_eq!(texts, ["first", "second", "number 0", "number 1", "number 2"]);
    Ok(())
}

#[tokio::test]
async fn strangers_beyond_the_cap_wait_for_the_next_day() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    // The day must not end meanwhile.
    let (zone, midnight) = match now(&daemon, &device).await?.hour() {
        6..18 => ("UTC", "T00:00:00"),
        _ => ("Pacific/Wake", "T12:00:00"),
    };
    pace(
        &daemon,
        &device,
        json!({ "newRecipientsPerDay": 1, "timeZone": zone }),
    )
    .await?;
    let first = daemon.send_text(&device, CONTACT, "hello").await?;
    leaves(&daemon, &first).await?;
    let stranger = daemon.send_text(&device, STRANGER, "hello").await?;
    let expected = is_paced(&daemon, &stranger).await?;
    assert!(expected.to_rfc3339().contains(midnight), "{expected}");
    // Who was written to before is no stranger.
    let again = daemon.send_text(&device, CONTACT, "again").await?;
    leaves(&daemon, &again).await?;
    is_paced(&daemon, &stranger).await?;
    assert!(network.received_by(STRANGER).await?.is_empty());
    pace(&daemon, &device, Value::Null).await?;
    leaves(&daemon, &stranger).await?;
    network.contact_has(STRANGER, 1).await?;
    Ok(())
}

#[tokio::test]
async fn in_quiet_hours_nothing_leaves() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    // From some hours ago, until some hours from now.
    let now = now(&daemon, &device).await?;
    let (from, until) = (now - TimeDelta::hours(2), now + TimeDelta::hours(3));
    let hour = |time: DateTime<Utc>| time.format("%H:00").to_string();
    let quiet = json!({ "quietHours": { "from": hour(from), "until": hour(until) } });
    pace(&daemon, &device, quiet).await?;
    let message = daemon.send_text(&device, CONTACT, "good night").await?;
    let expected = is_paced(&daemon, &message).await?;
    assert_eq!(
        expected.format("%d %H:%M:%S").to_string(),
        until.format("%d %H:00:00").to_string()
    );
    pace(&daemon, &device, Value::Null).await?;
    leaves(&daemon, &message).await?;
    Ok(())
}
