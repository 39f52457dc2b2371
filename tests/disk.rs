//! A disk that is full, and a file that cannot be written: accepting is refused, nothing that was accepted is lost, and
//! when the disk takes writes again everything goes on without a restart.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;
use postern_testkit::{Answer, DaemonOptions, Postern, TestDaemon, TestSandbox, eventually, text};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::receiving::inbound;
use crate::{CONTACT, OWNER, postern};

/// More than fits into what is left of the log of writes on any of these disks.
const MOST_REQUESTS: usize = 5_000;
/// Requests after the first one that is refused.
const IN_TROUBLE: usize = 20;

/// What a contact writes meanwhile.
const WRITTEN: [&str; 3] = ["in", "the", "middle"];

/// Something that keeps the daemon from writing, for a while.
trait Trouble {
    /// Whether it keeps messages from being accepted.
    fn refuses(&self) -> bool {
        true
    }
    fn begin(&mut self, daemon: &TestDaemon) -> anyhow::Result<()>;
    fn end(&mut self, daemon: &TestDaemon) -> anyhow::Result<()>;
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() -> anyhow::Result<()> {
    let Some(disk) = SmallDisk::mount()? else {
        println!("SKIPPED: no file system may be mounted here, so no disk is filled");
        return Ok(());
    };
    let options = DaemonOptions::default().inside(disk.path());
    outlasts(postern(), options, disk).await
}

#[tokio::test]
async fn files_that_may_not_grow_refuse_and_lose_nothing() -> anyhow::Result<()> {
    // The signal that comes with the limit would end the daemon; ignored, it leaves the error.
    let program = postern().command(&[]);
    let program = program.as_std().get_program().to_str().context("a plain path")?;
    let shell = ["-c", r#"trap "" XFSZ; exec "$@""#, "sh", program];
    let postern = Postern::at("sh").with_arguments(&shell);
    outlasts(postern, DaemonOptions::default(), SizeLimit).await
}

#[tokio::test]
async fn files_that_turn_read_only_refuse_and_lose_nothing() -> anyhow::Result<()> {
    turn_read_only(&["postern.db-wal", "keys.db-wal"]).await
}

/// What comes in can be decrypted and not be committed.
#[tokio::test]
async fn data_that_turns_read_only_refuses_and_loses_nothing() -> anyhow::Result<()> {
    turn_read_only(&["postern.db-wal"]).await
}

/// What comes in can neither be kept nor its keys: decrypting it must not use them up.
#[tokio::test]
async fn keys_that_turn_read_only_lose_nothing() -> anyhow::Result<()> {
    turn_read_only(&["keys.db-wal"]).await
}

async fn turn_read_only(names: &'static [&'static str]) -> anyhow::Result<()> {
    if !Immutable::is_permitted()? {
        println!("SKIPPED: files cannot be made immutable here, so none turns read-only");
        return Ok(());
    }
    let files = Vec::new();
    outlasts(postern(), DaemonOptions::default(), Immutable { names, files }).await
}

/// Sends before, during and after the trouble, and compares what was told with what is stored and what arrived.
async fn outlasts(postern: Postern, options: DaemonOptions, mut trouble: impl Trouble) -> anyhow::Result<()> {
    let network = TestSandbox::start(&crate::postern()).await?;
    let mut daemon = TestDaemon::start_with(&postern, &network, options).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let before = daemon.send_text(&device, CONTACT, "before").await?;
    daemon.message_reaches(&before, "read").await?;
    let mut accepted = vec![before];

    trouble.begin(&daemon)?;
    let mut refused = Vec::new();
    let (mut number, mut in_trouble) = (0, 0);
    while in_trouble < IN_TROUBLE {
        number += 1;
        anyhow::ensure!(number < MOST_REQUESTS, "it goes on accepting");
        let answer = post(&daemon, &device, number).await?;
        in_trouble += usize::from(answer.status == 503 || !trouble.refuses());
        if answer.status == 202 {
            accepted.push(id(&answer.json()?));
            continue;
        }
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()?["error"]["code"], "STORAGE_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), "10");
        refused.push(number);
    }
    for text in WRITTEN {
        network.write(CONTACT, OWNER, text).await?;
    }
    assert_eq!(daemon.http().get("/healthz").await?.status, 200);
    let ready = if trouble.refuses() { 503 } else { 200 };
    // What is left of the disk may have room for a few small writes.
    eventually("the probe says so", || async {
        let answer = daemon.http().get("/readyz").await?;
        let named = ready == 200 || answer.json()?["error"]["code"] == "STORAGE_UNAVAILABLE";
        Ok((answer.status == ready && named).then_some(()))
    })
    .await?;
    let known = daemon
        .http()
        .get(&format!("/v1/messages/{}", accepted[0]))
        .await?;
    assert_eq!(known.ok()?["status"], "read", "reading goes on");

    trouble.end(&daemon)?;
    for number in refused {
        let answer = eventually("it accepts again", || async {
            let answer = post(&daemon, &device, number).await?;
            Ok((answer.status == 202).then_some(answer))
        });
        accepted.push(id(&answer.await?.json()?));
    }
    eventually("the probe is content again", || async {
        let answer = daemon.http().get("/readyz").await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    arrived_once(&network, &daemon, &accepted).await?;
    daemon.kill().await?;
    daemon.restart().await?;
    arrived_once(&network, &daemon, &accepted).await
}

async fn post(daemon: &TestDaemon, device: &str, number: usize) -> anyhow::Result<Answer> {
    let request = daemon
        .http()
        .request(Method::POST, "/v1/messages")
        .header("Idempotency-Key", number.to_string())
        .json(&text(device, CONTACT, &format!("number {number}")));
    daemon.http().send(request).await
}

fn id(message: &Value) -> String {
    message["id"].as_str().unwrap_or_default().to_owned()
}

/// Every accepted message is stored, read, and with the contact once, and nothing else is; and what came in is there.
async fn arrived_once(network: &TestSandbox, daemon: &TestDaemon, accepted: &[String]) -> anyhow::Result<()> {
    let mut stanzas = Vec::with_capacity(accepted.len());
    for message in accepted {
        let message = daemon.message_reaches(message, "read").await?;
        stanzas.push(message["stanzaId"].clone());
    }
    let mut received: Vec<_> = network.received_by(CONTACT).await?;
    let mut received: Vec<Value> = received.iter_mut().map(|copy| copy["stanzaId"].take()).collect();
    stanzas.sort_by_key(Value::to_string);
    received.sort_by_key(Value::to_string);
    assert_eq!(received, stanzas);
    let inbound = inbound(daemon, WRITTEN.len()).await?;
    let texts: Vec<&Value> = inbound.iter().rev().map(|row| &row["text"]["body"]).collect();
    assert_eq!(texts, WRITTEN);
    Ok(())
}

/// A file system of a few megabytes, and a file that fills it.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` when that is not permitted.
    fn mount() -> anyhow::Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", "size=12m", "postern-test"],
            &[folder.path()],
        )?;
        Ok(mounted.status.success().then_some(Self { folder }))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the daemon that has files open on it ends after this.
        drop(run("umount", &["--lazy"], &[self.folder.path()]));
    }
}

impl Trouble for SmallDisk {
    fn begin(&mut self, _daemon: &TestDaemon) -> anyhow::Result<()> {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.folder.path().join("ballast"))?;
        while ballast.write_all(&[0; 4096]).is_ok() {}
        Ok(())
    }

    fn end(&mut self, _daemon: &TestDaemon) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.folder.path().join("ballast"))?)
    }
}

/// A limit on the size of the files that the daemon writes: what its log of writes is now.
struct SizeLimit;

impl SizeLimit {
    fn set(daemon: &TestDaemon, limit: &str) -> anyhow::Result<()> {
        let process = daemon.pid().context("the daemon is gone")?.to_string();
        let set = run("prlimit", &["--pid", &process, &format!("--fsize={limit}:")], &[])?;
        anyhow::ensure!(set.status.success(), "{set:?}");
        Ok(())
    }
}

impl Trouble for SizeLimit {
    fn begin(&mut self, daemon: &TestDaemon) -> anyhow::Result<()> {
        let log = std::fs::metadata(daemon.data_dir().join("postern.db-wal"))?;
        Self::set(daemon, &log.len().to_string())
    }

    fn end(&mut self, daemon: &TestDaemon) -> anyhow::Result<()> {
        Self::set(daemon, "unlimited")
    }
}

/// The attribute that forbids even an open file to be written.
struct Immutable {
    names: &'static [&'static str],
    files: Vec<PathBuf>,
}

impl Immutable {
    fn is_permitted() -> anyhow::Result<bool> {
        let file = tempfile::NamedTempFile::new()?;
        let set = run("chattr", &["+i"], &[file.path()]);
        run("chattr", &["-i"], &[file.path()]).ok();
        Ok(set.is_ok_and(|output| output.status.success()))
    }
}

impl Drop for Immutable {
    fn drop(&mut self) {
        let files: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        drop(run("chattr", &["-i"], &files));
    }
}

impl Trouble for Immutable {
    fn refuses(&self) -> bool {
        self.names.contains(&"postern.db-wal")
    }

    fn begin(&mut self, daemon: &TestDaemon) -> anyhow::Result<()> {
        let names = self.names.iter();
        self.files = names.map(|name| daemon.data_dir().join(name)).collect();
        let files: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        let set = run("chattr", &["+i"], &files)?;
        anyhow::ensure!(set.status.success(), "{set:?}");
        Ok(())
    }

    fn end(&mut self, _daemon: &TestDaemon) -> anyhow::Result<()> {
        let files: Vec<&Path> = self.files.iter().map(PathBuf::as_path).collect();
        let set = run("chattr", &["-i"], &files)?;
        anyhow::ensure!(set.status.success(), "{set:?}");
        Ok(())
    }
}

fn run(program: &str, arguments: &[&str], paths: &[&Path]) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).args(paths);
    command.output().with_context(|| format!("cannot run {program}"))
}
