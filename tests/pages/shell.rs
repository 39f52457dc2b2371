//! A shell that is told one block after the other, and what it says. What it started ends with it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{TestSandbox, eventually};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};

use crate::OWNER;
use crate::device_commands::code;

/// The reader's shell, at work.
pub(super) struct Shell {
    group: Group,
    input: ChildStdin,
    folder: PathBuf,
    blocks: usize,
}

impl Shell {
    /// Starts one that ends when a command fails; `folder` is for its notes.
    pub(super) fn start(mut command: Command, folder: &Path) -> anyhow::Result<Self> {
        command.stdin(Stdio::piped());
        let mut group = Group::start(command, folder, "shell")?;
        let input = group.child.stdin.take().context("its input")?;
        Ok(Self {
            group,
            input,
            folder: folder.to_owned(),
            blocks: 0,
        })
    }

    /// Runs a block; answers what it said. The phone at hand scans every QR code that appears.
    pub(super) async fn run(&mut self, script: &str, network: &TestSandbox) -> anyhow::Result<String> {
        self.blocks += 1;
        let (from, mark) = (self.group.said()?.len(), format!("END-OF-BLOCK-{}", self.blocks));
        let file = self.folder.join(format!("block-{}.sh", self.blocks));
        fs::write(&file, script)?;
        let told = format!(". '{}' </dev/null\nprintf '\\n%s\\n' {mark}\n", file.display());
        self.input.write_all(told.as_bytes()).await?;
        self.input.flush().await?;
        let mut scanned = 0;
        loop {
            let (said, code) = eventually("the block has run", || async {
                let said = self.group.said()?[from..].to_owned();
                let code = drawn(&said).into_iter().nth(scanned);
                Ok((said.contains(&mark) || code.is_some() || !self.group.runs()?).then_some((said, code)))
            })
            .await
            .with_context(|| self.group.complaint())?;
            if let Some((said, _)) = said.split_once(&mark) {
                return Ok(said.to_owned());
            }
            let rows = code.with_context(|| self.group.complaint())?;
            // It is refused when the next one has come, and when it is one of a sandbox of the page's own.
            network.scan(OWNER, &code::read(&rows)?).await.ok();
            scanned += 1;
        }
    }
}

/// The QR codes in what was said, but one of which the end is not there yet.
fn drawn(said: &str) -> Vec<Vec<String>> {
    let (mut codes, mut rows) = (Vec::new(), Vec::new());
    for line in said.lines() {
        match code::row_of(line) {
            Some(row) => rows.push(row.to_owned()),
            None if rows.is_empty() => {}
            None => codes.push(std::mem::take(&mut rows)),
        }
    }
    codes
}

/// A terminal in which something goes on running.
pub(super) struct Terminal {
    group: Group,
    serves: bool,
}

impl Terminal {
    /// Starts `script` and waits until it says that it serves, or anything if it serves nothing.
    pub(super) async fn start(mut command: Command, script: &str, folder: &Path) -> anyhow::Result<Self> {
        // A shell that traps the signal waits for what it has started and ends with its exit code.
        let script = format!("trap : TERM\nset -eu\n{script}");
        command.args(["-c", &script]).stdin(Stdio::null());
        let serves = script.contains("serve") || script.contains("demo");
        let terminal = Self {
            group: Group::start(command, folder, "terminal")?,
            serves,
        };
        let marker = if serves { "dashboard at " } else { "\n" };
        eventually("it serves", || async {
            let group = &terminal.group;
            anyhow::ensure!(group.runs()?, "it ended:\n{}", group.complaint());
            let said = group.said()?;
            Ok((said.contains(marker) && said.ends_with('\n')).then_some(()))
        })
        .await
        .with_context(|| terminal.group.complaint())?;
        Ok(terminal)
    }

    pub(super) fn said(&self) -> anyhow::Result<String> {
        self.group.said()
    }

    /// Ends it as somebody would who stops a service. What serves has to end well.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.group.signal("-TERM")?;
        let ended = tokio::time::timeout(postern_testkit::DEADLINE, self.group.child.wait()).await;
        let status = ended.context("it does not stop")??;
        anyhow::ensure!(
            status.success() || !self.serves,
            "{status}:\n{}",
            self.group.complaint()
        );
        Ok(())
    }
}

/// A process and whatever it starts, with files for what they say.
struct Group {
    child: Child,
    leader: u32,
    out: PathBuf,
    err: PathBuf,
}

impl Group {
    fn start(mut command: Command, folder: &Path, name: &str) -> anyhow::Result<Self> {
        let (out, err) = (
            folder.join(format!("{name}.out")),
            folder.join(format!("{name}.err")),
        );
        command.stdout(File::create(&out)?).stderr(File::create(&err)?);
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let leader = child.id().context("it runs")?;
        Ok(Self {
            child,
            leader,
            out,
            err,
        })
    }

    fn said(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.out)?).into_owned())
    }

    /// All it said, for whoever has to find out what went wrong.
    fn complaint(&self) -> String {
        let read = |file| fs::read(file).unwrap_or_default();
        let (out, err) = (read(&self.out), read(&self.err));
        String::from_utf8_lossy(&[out, err].concat()).into_owned()
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let group = format!("-{}", self.leader);
        let mut kill = std::process::Command::new("kill");
        kill.args([signal, "--", &group]).stderr(Stdio::null());
        kill.status()?;
        Ok(())
    }

    fn runs(&self) -> anyhow::Result<bool> {
        // Not reaped, so that the group keeps its name until it is ended.
        let status = fs::read_to_string(format!("/proc/{}/stat", self.leader))?;
        let (_, state) = status.rsplit_once(") ").context("a state")?;
        Ok(!state.starts_with('Z'))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What has ended already needs no end.
        self.signal("-KILL").ok();
    }
}
