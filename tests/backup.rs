//! Backups of a daemon that is sending, what becomes of them when they are restored, and checks that find damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, DaemonOptions, TestDaemon, TestSandbox, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{CONTACT, OWNER, linked, postern};

const PAGE: &str = include_str!("../docs/backup.md");

/// What a command said, and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn run(arguments: &[&str], paths: &[&Path]) -> anyhow::Result<Said> {
    let mut command = postern().command(arguments);
    let output = tokio::time::timeout(DEADLINE, command.args(paths).output()).await??;
    Ok(Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}

/// `postern backup TO FLAGS… --data-dir DATA`
async fn backup(to: &Path, data: &Path, flags: &[&str]) -> anyhow::Result<Said> {
    run(&[&["backup"], flags, &["--data-dir"]].concat(), &[data, to]).await
}

/// `postern restore FROM FLAGS… --data-dir DATA`
async fn restore(from: &Path, data: &Path, flags: &[&str]) -> anyhow::Result<Said> {
    run(&[&["restore"], flags, &["--data-dir"]].concat(), &[data, from]).await
}

/// The report of `postern check`, and how it ended.
async fn check(data: &Path) -> anyhow::Result<(Option<i32>, Value)> {
    let said = run(&["check", "--json", "--data-dir"], &[data]).await?;
    let report = serde_json::from_str(&said.out).map_err(|error| anyhow::anyhow!("{error}: {}", said.err))?;
    Ok((said.code, report))
}

/// The checks with this outcome.
fn checks<'a>(report: &'a Value, outcome: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let those = checks.iter().filter(|check| check["outcome"] == outcome);
    those.filter_map(|check| check["check"].as_str()).collect()
}

fn done(said: &Said) -> anyhow::Result<()> {
    anyhow::ensure!(said.code == Some(0), "{:?}: {}{}", said.code, said.out, said.err);
    Ok(())
}

fn refused(said: &Said, why: &str) -> anyhow::Result<()> {
    let refused = said.code == Some(1) && said.err.contains(why);
    anyhow::ensure!(refused, "not \"{why}\" but {:?}: {}", said.code, said.err);
    Ok(())
}

async fn start_in(network: &TestSandbox, data: TempDir) -> anyhow::Result<TestDaemon> {
    TestDaemon::start_in(&postern(), network, DaemonOptions::default(), data).await
}

/// Sends one after the other for as long as it is polled; keeps the ids of those that were accepted.
async fn send_steadily(daemon: &TestDaemon, device: &str, accepted: &mut Vec<String>) -> anyhow::Result<()> {
    loop {
        let body = format!("number {}", accepted.len());
        accepted.push(daemon.send_text(device, CONTACT, &body).await?);
    }
}

#[tokio::test]
async fn a_backup_of_a_daemon_that_is_sending_is_restored_elsewhere() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let folder = tempfile::tempdir()?;
    let (to, restored) = (folder.path().join("backup"), tempfile::tempdir()?);
    let mut accepted = Vec::new();
    for number in 0..50 {
        let body = format!("before {number}");
        accepted.push(daemon.send_text(&device, CONTACT, &body).await?);
    }
    let mut during = Vec::new();
    let said = tokio::select! {
        said = backup(&to, daemon.data_dir(), &[]) => said?,
        sending = send_steadily(&daemon, &device, &mut during) => anyhow::bail!("{sending:?}"),
    };
    done(&said)?;
    assert!(!during.is_empty(), "nothing was sent meanwhile");
    // The daemon goes on, and its folder is sound while it does.
    let last = daemon.send_text(&device, CONTACT, "after").await?;
    daemon.message_reaches(&last, "read").await?;
    let (code, report) = check(daemon.data_dir()).await?;
    assert_eq!((code, checks(&report, "broken")), (Some(0), vec![]), "{report:#}");

    done(&restore(&to, restored.path(), &[]).await?)?;
    let (code, report) = check(restored.path()).await?;
    assert_eq!((code, checks(&report, "broken")), (Some(0), vec![]), "{report:#}");
    assert_eq!(checks(&report, "warning"), ["keys-of-links"]);

    let daemon = start_in(&network, restored).await?;
    for message in &accepted {
        daemon
            .http()
            .get(&format!("/v1/messages/{message}"))
            .await?
            .ok()?;
    }
    assert_eq!(
        daemon.http().get(&format!("/v1/messages/{last}")).await?.status,
        404
    );
    let device = daemon.device_becomes(&device, "unlinked").await?;
    assert_eq!(device["reason"], "keys_missing");
    let (code, report) = check(daemon.data_dir()).await?;
    assert_eq!(
        (code, checks(&report, "warning")),
        (Some(0), vec![]),
        "{report:#}"
    );
    Ok(())
}

/// What waited in the backup and was sent since is sent again, with the same id: the contact has it once.
#[tokio::test]
async fn after_a_restore_over_living_keys_the_devices_go_on_and_nothing_arrives_twice() -> anyhow::Result<()>
{
    let (network, mut daemon, device) = linked().await?;
    let (path, folder) = (format!("/v1/devices/{device}"), tempfile::tempdir()?);
    daemon
        .http()
        .post(&format!("{path}/pause"), &json!({}))
        .await?
        .ok()?;
    daemon.device_becomes(&device, "disconnected").await?;
    let mut body = postern_testkit::text(&device, CONTACT, "once");
    body["ifDisconnected"] = json!("queue");
    let waiting = daemon.http().post("/v1/messages", &body).await?.ok()?;
    let waiting = waiting["id"].as_str().unwrap_or_default();
    done(&backup(folder.path(), daemon.data_dir(), &[]).await?)?;

    daemon
        .http()
        .post(&format!("{path}/resume"), &json!({}))
        .await?
        .ok()?;
    daemon.message_reaches(waiting, "read").await?;
    refused(
        &restore(folder.path(), daemon.data_dir(), &["--replace"]).await?,
        "another postern daemon is using",
    )?;
    daemon.terminate().await?;
    refused(
        &restore(folder.path(), daemon.data_dir(), &[]).await?,
        "--replace",
    )?;
    let said = restore(folder.path(), daemon.data_dir(), &["--replace"]).await?;
    done(&said)?;
    assert!(said.out.contains("keys that were there stay"), "{}", said.out);
    assert!(said.out.contains("postern.db.replaced-"), "{}", said.out);

    daemon.restart().await?;
    daemon
        .http()
        .post(&format!("{path}/resume"), &json!({}))
        .await?
        .ok()?;
    daemon.device_becomes(&device, "connected").await?;
    eventually("the message is sent again", || async {
        let received = network.received_by(CONTACT).await?;
        anyhow::ensure!(received.len() == 1, "{received:?}");
        Ok((received[0]["copies"] == 2).then_some(()))
    })
    .await?;
    eventually("the server has it", || async {
        let message = daemon
            .http()
            .get(&format!("/v1/messages/{waiting}"))
            .await?
            .ok()?;
        let status = message["status"].as_str();
        Ok(matches!(status, Some("sent" | "delivered" | "read")).then_some(()))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_backup_with_keys_moves_a_daemon_to_another_folder() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    let folder = tempfile::tempdir()?;
    daemon.terminate().await?;
    let said = backup(folder.path(), daemon.data_dir(), &["--with-keys"]).await?;
    done(&said)?;
    assert!(
        said.err.contains("Warning: the backup will hold the keys"),
        "{}",
        said.err
    );
    let manifest: Value = serde_json::from_slice(&fs::read(folder.path().join("manifest.json"))?)?;
    assert_eq!(manifest["files"][1]["name"], "keys.db");

    let elsewhere = tempfile::tempdir()?;
    let said = restore(folder.path(), elsewhere.path(), &[]).await?;
    done(&said)?;
    assert!(said.err.contains("Warning: Signal keys move on"), "{}", said.err);
    let daemon = start_in(&network, elsewhere).await?;
    daemon.device_becomes(&device, "connected").await?;
    let message = daemon.send_text(&device, CONTACT, "from here now").await?;
    daemon.message_reaches(&message, "read").await?;
    Ok(())
}

#[tokio::test]
async fn a_device_whose_keys_are_missing_is_paired_again_and_sends_what_waited() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    network.fault(OWNER, "mute").await?;
    let waiting = daemon.send_text(&device, CONTACT, "it waited").await?;
    let (folder, data) = (tempfile::tempdir()?, tempfile::tempdir()?);
    done(&backup(folder.path(), daemon.data_dir(), &["--with-keys"]).await?)?;
    drop(daemon);
    done(&restore(folder.path(), data.path(), &["--without-keys"]).await?)?;
    network.clear_faults().await?;

    let daemon = start_in(&network, data).await?;
    daemon.device_becomes(&device, "unlinked").await?;
    let parked = daemon.http().get("/v1/messages?parked=true").await?.ok()?;
    assert_eq!(parked["data"][0]["id"], waiting.as_str());
    daemon.pair(&network, &device, OWNER).await?;
    let release = format!("/v1/devices/{device}/parked/release");
    daemon.http().post(&release, &json!({})).await?.ok()?;
    daemon.message_reaches(&waiting, "read").await?;
    Ok(())
}

#[tokio::test]
async fn mistakes_are_refused_with_what_helps_and_leave_nothing_behind() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let folder = tempfile::tempdir()?;
    let (to, new) = (folder.path().join("backup"), folder.path().join("new"));

    refused(&backup(&to, &new, &[]).await?, "--data-dir")?;
    refused(&restore(&to, &new, &[]).await?, "no complete backup")?;
    let said = run(&["check", "--data-dir"], &[&new]).await?;
    refused(&said, "postern.db")?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);

    done(&backup(&to, daemon.data_dir(), &[]).await?)?;
    refused(&backup(&to, daemon.data_dir(), &[]).await?, "--overwrite")?;
    done(&backup(&to, daemon.data_dir(), &["--overwrite"]).await?)?;
    refused(
        &backup(daemon.data_dir(), daemon.data_dir(), &["--overwrite"]).await?,
        "a folder of its own",
    )?;

    let database = to.join("postern.db");
    let mut bytes = fs::read(&database)?;
    bytes[5000] ^= 1;
    fs::write(&database, bytes)?;
    refused(&restore(&to, &new, &[]).await?, "not the file that was backed up")?;
    Ok(())
}

#[tokio::test]
async fn a_check_finds_damage_and_says_so_in_a_table_too() -> anyhow::Result<()> {
    let (_network, mut daemon, device) = linked().await?;
    for number in 0..20 {
        let message = daemon.send_text(&device, CONTACT, &format!("{number}")).await?;
        daemon.message_reaches(&message, "read").await?;
    }
    daemon.terminate().await?;
    let said = run(&["check", "--data-dir"], &[daemon.data_dir()]).await?;
    done(&said)?;
    assert!(
        !said.out.contains("broken") && said.out.contains("outbox-complete"),
        "{}",
        said.out
    );

    let database = daemon.data_dir().join("postern.db");
    let mut bytes = fs::read(&database)?;
    // The schema lies in front, where the migrations wrote it; what comes last is rows and entries of indexes.
    let pages = bytes.len() / 4096;
    for page in bytes.chunks_mut(4096).skip(pages - pages / 8) {
        page[..64].fill(0xa5);
    }
    fs::write(&database, bytes)?;
    let said = run(&["check", "--data-dir"], &[daemon.data_dir()]).await?;
    refused(&said, "found something broken")?;
    assert!(said.out.contains("integrity"), "{}", said.out);
    let (code, report) = check(daemon.data_dir()).await?;
    assert_eq!((code, checks(&report, "broken")), (Some(1), vec!["integrity"]));
    // Damage is not carried into a backup.
    let to = tempfile::tempdir()?;
    refused(&backup(to.path(), daemon.data_dir(), &[]).await?, "is damaged")?;
    Ok(())
}

/// The first example of the page, as a reader would type it.
#[tokio::test]
async fn the_example_on_backups_runs() -> anyhow::Result<()> {
    let (_network, daemon, _device) = linked().await?;
    let folder = tempfile::tempdir()?;
    let path = |word: &str| match word {
        "/var/lib/postern" => daemon.data_dir().to_owned(),
        word => match word.strip_prefix('/') {
            Some(rest) => folder.path().join(rest),
            None => word.into(),
        },
    };
    let (_, example) = PAGE.split_once("```sh\n").context("an example")?;
    let (example, _) = example.split_once("```").context("its end")?;
    for line in example.lines() {
        let (command, _) = line.split_once('#').context("a comment")?;
        let words: Vec<_> = command.split_whitespace().skip(1).map(path).collect();
        let words: Vec<_> = words.iter().map(|word| word.as_path()).collect();
        done(&run(&[], &words).await?)?;
    }
    Ok(())
}

#[tokio::test]
async fn the_page_on_backups_explains_every_check_and_no_other() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let (_, report) = check(daemon.data_dir()).await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let made = report["checks"].as_array().context("a list")?;
    let made: BTreeMap<_, _> = made
        .iter()
        .map(|check| (text(&check["check"]), text(&check["promise"])))
        .collect();
    let (_, section) = PAGE.split_once("## Checking").context("a section")?;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let explained: BTreeMap<_, _> = rows.filter_map(|row| row.split_once("` | ")).collect();
    let names: Vec<_> = made.keys().map(String::as_str).collect();
    assert_eq!(explained.keys().copied().collect::<Vec<_>>(), names);
    for (name, promise) in &made {
        assert!(
            explained[name.as_str()].starts_with(promise.as_str()),
            "{name}: {promise}"
        );
    }
    Ok(())
}
