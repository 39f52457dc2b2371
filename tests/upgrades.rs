//! A data folder of the first release: brought up to date by the first start, whatever happens to that start.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use postern_testkit::{DaemonOptions, OlderFolder, OlderMessage, Postern, TestDaemon, TestSandbox};

use crate::tracing::{can_trace, traced};
use crate::{CONTACT, OWNER, postern};

/// The calls by which SQLite changes a file, and which of them are the last: every so manieth.
const CALLS: [(&str, usize); 2] = [("pwrite64", 9), ("fsync,fdatasync", 1)];

#[tokio::test]
async fn what_waited_in_it_is_sent_once_and_in_order() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let older = OlderFolder::make(&[CONTACT])?;
    let daemon = TestDaemon::start_in(&postern(), &network, DaemonOptions::default(), older.folder).await?;
    assert_eq!(listed(&daemon).await?, older.messages);
    daemon.pair(&network, &older.device, OWNER).await?;
    let received = network.contact_has(CONTACT, older.messages.len()).await?;
    let received: Vec<_> = received.iter().map(|copy| copy["text"].as_str()).collect();
    let sent: Vec<_> = older
        .messages
        .iter()
        .map(|message| Some(message.text.as_str()))
        .collect();
    assert_eq!(received, sent);
    for message in &older.messages {
        daemon.message_reaches(&message.id, "read").await?;
    }
    Ok(())
}

/// The start is killed at its first write to a database, its first flush, its second flush, and so on, each time on
/// another copy, until one comes through.
#[tokio::test]
async fn a_kill_at_any_write_of_the_upgrade_loses_nothing() -> anyhow::Result<()> {
    if !can_trace().await {
        println!("SKIPPED: processes cannot be traced here, so none is killed at a chosen write");
        return Ok(());
    }
    let network = TestSandbox::start(&postern()).await?;
    let older = OlderFolder::make(&[CONTACT])?;
    for (call, step) in CALLS {
        let mut kills = 0;
        for number in (1..).step_by(step) {
            let copy = older.copy()?;
            let folder = Arc::new(copy.folder);
            let traced = killed_at(call, number, folder.path())?;
            let start = |program| {
                let folder = Arc::clone(&folder);
                TestDaemon::start_in(program, &network, DaemonOptions::default(), folder)
            };
            if start(&traced).await.is_ok() {
                break;
            }
            kills += 1;
            let daemon = start(&postern()).await?;
            assert_eq!(
                listed(&daemon).await?,
                copy.messages,
                "after {call} number {number}"
            );
        }
        assert!(kills > 1, "{kills} of {call}: is the name still right?");
    }
    Ok(())
}

/// Every message of the API, oldest first.
async fn listed(daemon: &TestDaemon) -> anyhow::Result<Vec<OlderMessage>> {
    let page = daemon.http().get("/v1/messages?limit=200").await?.ok()?;
    let rows = page["data"].as_array().context("not a list")?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let messages = rows.iter().rev().map(|row| {
        assert_eq!(row["status"], "queued");
        OlderMessage {
            id: text(&row["id"]),
            to: text(&row["to"]),
            text: text(&row["text"]["body"]),
        }
    });
    Ok(messages.collect())
}

/// The daemon, killed when it makes this call for the `number`th time on the database in this folder.
fn killed_at(call: &str, number: usize, folder: &Path) -> anyhow::Result<Postern> {
    let files = ["postern.db", "postern.db-wal"].map(|name| folder.join(name));
    let [database, log] = files.each_ref().map(|file| file.to_str().unwrap_or_default());
    let (trace, inject) = (
        format!("trace={call}"),
        format!("inject={call}:signal=SIGKILL:when={number}"),
    );
    traced(&[
        "-o",
        "/dev/null",
        "-P",
        database,
        "-P",
        log,
        "-e",
        &trace,
        "-e",
        &inject,
    ])
}
