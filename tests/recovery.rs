//! Restarts, kills and lost links: the device comes back without a new QR code, and nothing is lost or doubled.

use std::collections::HashMap;

use postern_testkit::{TestDaemon, TestSandbox, eventually};

use crate::{CONTACT, OWNER, linked, postern};

async fn sends_once(
    network: &TestSandbox,
    daemon: &TestDaemon,
    device: &str,
    body: &str,
) -> anyhow::Result<()> {
    let message = daemon.send_text(device, CONTACT, body).await?;
    daemon.message_reaches(&message, "read").await?;
    let received = network.received_by(CONTACT).await?;
    let copies: Vec<_> = received
        .iter()
        .filter(|message| message["text"] == body)
        .collect();
    assert_eq!(copies.len(), 1, "{body}");
    Ok(())
}

#[tokio::test]
async fn a_restarted_daemon_connects_again_and_sends() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    sends_once(&network, &daemon, &device, "before").await?;
    assert_eq!(daemon.terminate().await?, Some(0));
    daemon.restart().await?;
    daemon.device_becomes(&device, "connected").await?;
    sends_once(&network, &daemon, &device, "after SIGTERM").await?;
    daemon.kill().await?;
    daemon.restart().await?;
    daemon.device_becomes(&device, "connected").await?;
    sends_once(&network, &daemon, &device, "after SIGKILL").await?;
    Ok(())
}

#[tokio::test]
async fn every_accepted_message_survives_a_kill_and_arrives_in_order() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    let mut accepted = Vec::new();
    for round in 0..3 {
        for number in 0..40 {
            let body = format!("{round}/{number}");
            daemon.send_text(&device, CONTACT, &body).await?;
            accepted.push(body);
        }
        daemon.kill().await?;
        daemon.restart().await?;
        daemon.device_becomes(&device, "connected").await?;
    }
    let received = network.contact_has(CONTACT, accepted.len()).await?;
    let texts: Vec<&str> = received
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    assert_eq!(
        texts, accepted,
        "a message sent twice is folded by its stanza id and shown once"
    );
    Ok(())
}

#[tokio::test]
async fn a_closed_link_heals_and_what_was_queued_arrives_once() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let mut messages = HashMap::new();
    for number in 0..10 {
        if number % 3 == 0 {
            // Refused while the link is down already: wait until there is one to break.
            eventually("there is a link to break", || async {
                Ok(network.fault(OWNER, "close").await.ok())
            })
            .await?;
        }
        let body = format!("across the gap {number}");
        messages.insert(daemon.send_text(&device, CONTACT, &body).await?, body);
    }
    for message in messages.keys() {
        daemon.message_reaches(message, "read").await?;
    }
    let received = network.received_by(CONTACT).await?;
    assert_eq!(received.len(), messages.len());
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn a_link_lost_while_the_phone_logs_the_device_out_ends_unlinked() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network.fault(OWNER, "logout").await?;
    let unlinked = daemon.device_becomes(&device, "unlinked").await?;
    assert_eq!(unlinked["reason"], "logged_out");
    Ok(())
}

#[tokio::test]
async fn a_second_daemon_on_the_same_folder_is_refused() -> anyhow::Result<()> {
    let (_network, daemon, _device) = linked().await?;
    let folder = daemon.data_dir().to_str().unwrap_or_default();
    let second = postern()
        .command(&["serve", "--listen", "127.0.0.1:0", "--data-dir", folder])
        .output()
        .await?;
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr)?;
    assert!(said.contains("another postern daemon is using"), "{said}");
    Ok(())
}
