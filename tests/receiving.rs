//! A contact writes; the message is listed.

use postern_testkit::eventually;
use serde_json::Value;

use crate::{CONTACT, OWNER, linked};

/// Waits until so many messages are received; answers them, newest first.
pub(crate) async fn inbound(
    daemon: &postern_testkit::TestDaemon,
    count: usize,
) -> anyhow::Result<Vec<Value>> {
    eventually(&format!("{count} messages are received"), || async {
        let page = daemon
            .http()
            .get("/v1/messages?direction=inbound&limit=200")
            .await?
            .ok()?;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        Ok((rows.len() >= count).then_some(rows))
    })
    .await
}

#[tokio::test]
async fn an_answer_is_listed_as_received() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let message = daemon.send_text(&device, CONTACT, "question?").await?;
    daemon.message_reaches(&message, "read").await?;
    network.write(CONTACT, OWNER, "answer! 🦀 שלום").await?;
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["from"], CONTACT, "one contact is one address");
    assert_eq!(rows[0]["deviceId"], device.as_str());
    assert_eq!(rows[0]["status"], "received");
    assert_eq!(rows[0]["text"]["body"], "answer! 🦀 שלום");
    Ok(())
}

#[tokio::test]
async fn a_stranger_can_write_first_and_be_answered() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network.write("+442071838750", OWNER, "are you there?").await?;
    let rows = inbound(&daemon, 1).await?;
    assert_eq!(rows[0]["from"], "+442071838750");
    let answer = daemon.send_text(&device, "+442071838750", "yes").await?;
    daemon.message_reaches(&answer, "read").await?;
    Ok(())
}

#[tokio::test]
async fn what_arrives_while_the_daemon_is_dead_comes_after_its_return_once() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    daemon.kill().await?;
    for number in 0..20 {
        network
            .write(CONTACT, OWNER, &format!("while you were out {number}"))
            .await?;
    }
    daemon.restart().await?;
    daemon.device_becomes(&device, "connected").await?;
    inbound(&daemon, 20).await?;
    // Another restart delivers nothing twice.
    daemon.kill().await?;
    daemon.restart().await?;
    daemon.device_becomes(&device, "connected").await?;
    network.write(CONTACT, OWNER, "last").await?;
    let rows = inbound(&daemon, 21).await?;
    assert_eq!(rows.len(), 21);
    let mut texts: Vec<&str> = rows
        .iter()
        .rev()
        .filter_map(|row| row["text"]["body"].as_str())
        .collect();
    assert_eq!(texts.pop(), Some("last"));
    let expected: Vec<String> = (0..20)
        .map(|number| format!("while you were out {number}"))
        .collect();
    assert_eq!(texts, expected);
    Ok(())
}

/// The texts of everything that was received, in the order in which it came.
async fn all_texts(daemon: &postern_testkit::TestDaemon) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut path = "/v1/messages?direction=inbound&limit=200".to_owned();
    loop {
        let page = daemon.http().get(&path).await?.ok()?;
        let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        texts.extend(
            rows.iter()
                .map(|row| row["text"]["body"].as_str().unwrap_or_default().to_owned()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            texts.reverse();
            return Ok(texts);
        };
        path = format!("/v1/messages?direction=inbound&limit=200&cursor={cursor}");
    }
}

/// More than WhatsApp hands over before it is asked for more.
#[tokio::test]
async fn hundreds_of_messages_that_waited_come_once_and_in_order() -> anyhow::Result<()> {
    const COUNT: usize = 450;
    let (network, mut daemon, device) = linked().await?;
    daemon.kill().await?;
    for number in 0..COUNT {
        network.write(CONTACT, OWNER, &number.to_string()).await?;
    }
    daemon.restart().await?;
    daemon.device_becomes(&device, "connected").await?;
    network.write(CONTACT, OWNER, "last").await?;
    let texts = eventually("the last message is received", || async {
        let texts = all_texts(&daemon).await?;
        Ok(texts.last().is_some_and(|text| text == "last").then_some(texts))
    })
    .await?;
    let numbers = (0..COUNT).map(|number| number.to_string());
    let expected: Vec<String> = numbers.chain(["last".to_owned()]).collect();
    assert_eq!(texts, expected);
    Ok(())
}
