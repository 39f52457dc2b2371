//! Finding messages by name and by words, and counting them: while they come in, and after a crash.

use postern_testkit::{TestDaemon, eventually, text};
use serde_json::{Value, json};

use crate::{CONTACT, OWNER, linked};

/// The texts of a list, newest first.
async fn texts(daemon: &TestDaemon, query: &str) -> anyhow::Result<Vec<String>> {
    let path = format!("/v1/messages?{query}");
    let list = daemon.http().get(&path).await?.ok()?;
    let rows = list["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = rows.iter().filter_map(|row| row["text"]["body"].as_str());
    Ok(texts.map(str::to_owned).collect())
}

/// Waits until the list has as many as expected, and compares them.
async fn finds(daemon: &TestDaemon, query: &str, expected: &[&str]) -> anyhow::Result<()> {
    let found = eventually(&format!("{query} finds {}", expected.len()), || async {
        let found = texts(daemon, query).await?;
        Ok((found.len() >= expected.len()).then_some(found))
    })
    .await?;
    assert_eq!(found, expected, "{query}");
    Ok(())
}

#[tokio::test]
async fn messages_are_found_by_their_words_and_names_also_after_a_crash() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    let mut named = text(&device, CONTACT, "Your invoice for the café is ready");
    named["clientReference"] = json!("invoice-7");
    let accepted = daemon.http().post("/v1/messages", &named).await?.ok()?;
    daemon
        .message_reaches(accepted["id"].as_str().unwrap_or_default(), "read")
        .await?;
    network
        .write(CONTACT, OWNER, "Which INVOICE? \"The cafe's\" OR another*")
        .await?;
    let both = [
        "Which INVOICE? \"The cafe's\" OR another*",
        "Your invoice for the café is ready",
    ];
    finds(&daemon, "q=invoice", &both).await?;
    daemon.kill().await?;
    daemon.restart().await?;
    for (query, expected) in [
        ("q=invoice", &both[..]),
        ("q=cafe+inv", &both),
        ("q=invoice&direction=inbound", &both[..1]),
        ("q=invoice&clientReference=invoice-7", &both[1..]),
        ("q=%22invoice%22+OR", &both[..1]),
        ("q=invoices", &[]),
        ("q=nowhere", &[]),
        ("clientReference=invoice-7", &both[1..]),
        ("clientReference=invoice", &[]),
    ] {
        assert_eq!(texts(&daemon, query).await?, expected, "{query}");
    }
    // What comes after the crash is found as well.
    network.write(CONTACT, OWNER, "invoice found").await?;
    finds(&daemon, "q=invoice+found", &["invoice found"]).await
}

#[tokio::test]
async fn what_became_of_messages_is_counted_also_after_a_crash() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    for number in 0..5 {
        let message = daemon
            .send_text(&device, CONTACT, &format!("number {number}"))
            .await?;
        daemon.message_reaches(&message, "read").await?;
    }
    let mut later = text(&device, CONTACT, "later");
    later["sendAt"] = json!("2099-01-01T00:00:00Z");
    let refused = daemon.http().post("/v1/messages", &later).await?;
    assert_eq!(refused.status, 400, "what is refused is not counted");
    network.write(CONTACT, OWNER, "an answer").await?;
    let counted = eventually("all is counted", || async {
        let summary = daemon.http().get("/v1/analytics/summary").await?.ok()?;
        Ok((summary["byStatus"]["received"] == 1).then_some(summary))
    })
    .await?;
    assert_eq!(
        (&counted["total"], &counted["byStatus"]["read"]),
        (&json!(6), &json!(5))
    );
    assert_eq!(
        (&counted["deliveryRate"], &counted["failureRate"]),
        (&json!(1.0), &json!(0.0))
    );
    for latency in ["acceptedToSent", "acceptedToDelivered"] {
        let percentiles = &counted["latency"][latency];
        assert!(
            percentiles["p50Ms"].is_u64() && percentiles["p99Ms"].is_u64(),
            "{counted}"
        );
    }
    assert_eq!(counted["devices"][0]["deviceId"], device);
    daemon.kill().await?;
    daemon.restart().await?;
    let restarted = daemon.http().get("/v1/analytics/summary").await?.ok()?;
    let without_days = |summary: &Value| {
        let mut summary = summary.clone();
        summary["days"] = Value::Null;
        summary["from"] = Value::Null;
        summary["until"] = Value::Null;
        summary
    };
    assert_eq!(without_days(&restarted), without_days(&counted));
    Ok(())
}
