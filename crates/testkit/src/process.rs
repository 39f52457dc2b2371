//! The built `postern` as a child process that never outlives the test.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// How to start `postern`.
#[derive(Debug, Clone)]
pub struct Postern {
    program: PathBuf,
    arguments: Vec<String>,
}

impl Postern {
    /// The program at `path`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            program: path.into(),
            arguments: Vec::new(),
        }
    }

    /// The same with arguments that come before all others.
    #[must_use]
    pub fn with_arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// A command with these arguments, with nothing of the caller's configuration in its environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(arguments).kill_on_drop(true);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POSTERN_")) {
            command.env_remove(name);
        }
        command
    }
}

/// A running process and what it said.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: Log,
}

/// The lines of standard error.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

impl Running {
    /// Starts `command` and reads its standard output until a line holds `marker`; answers all lines up to it.
    pub(crate) async fn start(mut command: Command, marker: &str) -> anyhow::Result<(Self, Vec<String>)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let log = Log::default();
        let stderr = child.stderr.take().context("no standard error")?;
        collect(stderr, Arc::clone(&log));
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut seen = Vec::new();
        loop {
            let line = tokio::time::timeout(crate::DEADLINE, lines.next_line())
                .await
                .context("no word from it")??;
            let Some(line) = line else {
                let status = child.wait().await?;
                anyhow::bail!(
                    "it ended ({status}) before it said \"{marker}\":\n{}",
                    said(&log).join("\n")
                );
            };
            let found = line.contains(marker);
            seen.push(line);
            if found {
                break;
            }
        }
        collect(lines.into_inner(), Arc::clone(&log));
        Ok((Self { child, log }, seen))
    }

    /// SIGKILL, as a power cut would end it; returns when it is gone.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// SIGTERM; answers its exit code.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<Option<i32>> {
        let pid = self.child.id().context("it ended already")?;
        let sent = Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status()
            .await?;
        anyhow::ensure!(sent.success(), "kill failed");
        let status = tokio::time::timeout(crate::DEADLINE, self.child.wait())
            .await
            .context("it does not stop")??;
        Ok(status.code())
    }

    /// Its process id, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        said(&self.log)
    }
}

fn said(log: &Log) -> Vec<String> {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a harness task that ends with the pipe it reads"
)]
fn collect(pipe: impl tokio::io::AsyncRead + Unpin + Send + 'static, log: Log) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}
