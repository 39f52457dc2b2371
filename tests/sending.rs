//! A message from the API to the contact's phone and its receipts back.

use postern_testkit::{eventually, text};
use serde_json::{Value, json};

use crate::{CONTACT, linked, steps};

#[tokio::test]
async fn every_text_arrives_exactly_and_is_read() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let longest = "ß".repeat(4096);
    let texts = [
        "hello",
        "naïve café 🦀👩‍👩‍👧‍👦 ✅",
        "שלום עולם — مرحبا بالعالم",
        "a\nb\tc \" \\ <&>",
        longest.as_str(),
    ];
    for (index, body) in texts.into_iter().enumerate() {
        let message = daemon.send_text(&device, CONTACT, body).await?;
        let read = daemon.message_reaches(&message, "read").await?;
        let received = network.contact_has(CONTACT, index + 1).await?;
        assert_eq!(received[index]["text"], body);
        assert_eq!(received[index]["stanzaId"], read["stanzaId"]);
        assert_eq!(received[index]["copies"], 1);
        assert_eq!(read["to"], CONTACT);
        // A receipt may overtake the ack or another receipt; what is overtaken is left out, never repeated.
        let steps = steps(&read);
        assert_eq!(steps[..2], ["queued", "processing"], "{steps:?}");
        let rest: Vec<&str> = ["sent", "delivered", "read"]
            .into_iter()
            .filter(|step| steps[2..].contains(step))
            .collect();
        assert_eq!(steps[2..], rest, "{steps:?}");
    }
    Ok(())
}

#[tokio::test]
async fn messages_to_one_contact_arrive_in_the_order_of_acceptance() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let bodies: Vec<String> = (0..60).map(|number| format!("number {number}")).collect();
    for body in &bodies {
        daemon.send_text(&device, CONTACT, body).await?;
    }
    let received = network.contact_has(CONTACT, bodies.len()).await?;
    let texts: Vec<&str> = received
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(texts, bodies);
    Ok(())
}

#[tokio::test]
async fn a_contact_that_is_offline_gets_it_later() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network.set_contact(CONTACT, json!({ "online": false })).await?;
    let message = daemon.send_text(&device, CONTACT, "later").await?;
    daemon.message_reaches(&message, "sent").await?;
    assert!(network.received_by(CONTACT).await?.is_empty());
    network.set_contact(CONTACT, json!({ "online": true })).await?;
    daemon.message_reaches(&message, "read").await?;
    Ok(())
}

#[tokio::test]
async fn a_contact_that_reads_nothing_leaves_it_delivered() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network.set_contact(CONTACT, json!({ "autoRead": false })).await?;
    let message = daemon.send_text(&device, CONTACT, "unread").await?;
    let delivered = daemon.message_reaches(&message, "delivered").await?;
    assert!(!steps(&delivered).contains(&"read"));
    Ok(())
}

#[tokio::test]
async fn a_number_without_whatsapp_fails_and_says_so() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network
        .set_contact(CONTACT, json!({ "registered": false }))
        .await?;
    let message = daemon.send_text(&device, CONTACT, "nobody").await?;
    let failed = daemon.message_reaches(&message, "failed").await?;
    assert_eq!(failed["error"]["code"], "NOT_ON_WHATSAPP");
    Ok(())
}

#[tokio::test]
async fn a_scheduled_message_waits_and_metadata_comes_back() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let mut body = text(&device, CONTACT, "soon");
    // Ahead by the server's own clock, so that a slow machine cannot make it the past.
    let now = daemon.http().get(&format!("/v1/devices/{device}")).await?;
    let now = chrono::DateTime::parse_from_rfc2822(now.header("date"))?;
    body["sendAt"] = json!((now + chrono::TimeDelta::seconds(15)).to_rfc3339());
    body["metadata"] = json!({ "orderId": "1234", "nested": { "ü": [1, 2] } });
    let accepted = daemon.http().post("/v1/messages", &body).await?.ok()?;
    assert_eq!(accepted["status"], "scheduled");
    let id = accepted["id"].as_str().unwrap_or_default();
    let read = daemon.message_reaches(id, "read").await?;
    assert_eq!(steps(&read).first(), Some(&"scheduled"));
    assert_eq!(read["metadata"], body["metadata"]);
    assert_eq!(network.received_by(CONTACT).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_dry_run_sends_nothing() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let mut body = text(&device, CONTACT, "never");
    body["dryRun"] = json!(true);
    daemon.http().post("/v1/messages", &body).await?.ok()?;
    let message = daemon.send_text(&device, CONTACT, "real").await?;
    daemon.message_reaches(&message, "read").await?;
    let received = network.received_by(CONTACT).await?;
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["text"], "real");
    Ok(())
}

#[tokio::test]
async fn lists_page_newest_first() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(daemon.send_text(&device, CONTACT, &format!("{number}")).await?);
    }
    ids.reverse();
    let first = daemon.http().get("/v1/messages?limit=3").await?.ok()?;
    let cursor = first["nextCursor"].as_str().unwrap_or_default();
    let second = daemon
        .http()
        .get(&format!("/v1/messages?limit=3&cursor={cursor}"))
        .await?
        .ok()?;
    let listed = [&first, &second]
        .map(|page| page["data"].as_array().cloned().unwrap_or_default())
        .concat();
    let listed: Vec<&str> = listed
        .iter()
        .filter_map(|message| message["id"].as_str())
        .collect();
    assert_eq!(listed, ids);
    assert_eq!(second["nextCursor"], Value::Null);
    eventually("all are read", || async {
        let page = daemon.http().get("/v1/messages?status=read").await?.ok()?;
        Ok((page["data"].as_array().map(Vec::len) == Some(5)).then_some(()))
    })
    .await
}
