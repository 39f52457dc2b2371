//! `postern device pair`: the printed code is read as a phone's camera would, and used.

use std::process::Stdio;

use anyhow::Context as _;
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::{device_command, refused};
use crate::{OWNER, linked, postern};

/// Pixels along the edge of a module.
const SCALE: usize = 4;
/// What each row of a code is drawn between.
const ROW: (&str, &str) = ("\u{1b}[38;5;16;48;5;231m", "\u{1b}[0m");

/// A command that shows a code and waits for it to be used.
pub(crate) struct Showing {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Showing {
    pub(crate) fn start(daemon: &TestDaemon, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = device_command(daemon, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let out = child.stdout.take().context("no standard output")?;
        Ok(Self {
            child,
            lines: BufReader::new(out).lines(),
        })
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line()).await;
        line.context("no word from it")??.context("it ended")
    }

    /// The text of the next QR code it shows.
    pub(crate) async fn qr(&mut self) -> anyhow::Result<String> {
        let mut rows = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(row) = row_of(&line) {
                rows.push(row.to_owned());
            } else if !rows.is_empty() {
                return read(&rows);
            }
        }
    }

    /// Waits until it ends; answers its exit code, its last line, and what it complained of.
    pub(crate) async fn ended(mut self) -> anyhow::Result<(Option<i32>, String, String)> {
        let mut last = String::new();
        while let Some(line) = tokio::time::timeout(DEADLINE, self.lines.next_line()).await?? {
            last = line;
        }
        let mut complaint = String::new();
        let mut err = self.child.stderr.take().context("no standard error")?;
        err.read_to_string(&mut complaint).await?;
        let status = tokio::time::timeout(DEADLINE, self.child.wait()).await??;
        Ok((status.code(), last, complaint))
    }
}

/// The blocks of a line that is a row of a code.
pub(crate) fn row_of(line: &str) -> Option<&str> {
    line.strip_prefix(ROW.0)?.strip_suffix(ROW.1)
}

/// Reads a QR code drawn in half blocks.
pub(crate) fn read(rows: &[String]) -> anyhow::Result<String> {
    let modules: Vec<Vec<bool>> = rows
        .iter()
        .flat_map(|row| {
            let upper = row.chars().map(|block| matches!(block, '█' | '▀')).collect();
            let lower = row.chars().map(|block| matches!(block, '█' | '▄')).collect();
            [upper, lower]
        })
        .collect();
    let dark = |x: usize, y: usize| modules.get(y).and_then(|row| row.get(x)) == Some(&true);
    let (width, height) = (modules[0].len() * SCALE, modules.len() * SCALE);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        if dark(x / SCALE, y / SCALE) { 0 } else { 255 }
    });
    let grids = prepared.detect_grids();
    let grid = grids.first().context("no QR code in what was printed")?;
    Ok(grid.decode()?.1)
}

#[tokio::test]
async fn the_code_that_is_printed_links_the_device() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.create_device().await?;
    let mut showing = Showing::start(&daemon, &["pair", "test"])?;
    network.scan(OWNER, &showing.qr().await?).await?;
    let (code, last, complaint) = showing.ended().await?;
    assert_eq!(code, Some(0), "{complaint}");
    assert_eq!(last, format!("test ({device}) is connected (healthy) as {OWNER}"));
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn adding_and_pairing_are_one_command() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let mut showing = Showing::start(&daemon, &["add", "support", "--pair"])?;
    let device = showing.line().await?;
    network.scan(OWNER, &showing.qr().await?).await?;
    let (code, _, complaint) = showing.ended().await?;
    assert_eq!(code, Some(0), "{complaint}");
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_linked_is_not_paired_again() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let error = refused(&daemon, &["pair", "test"], 1).await?;
    assert!(error.contains("linked already"), "{error}");
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}

#[tokio::test]
async fn an_account_that_another_device_has_is_refused() -> anyhow::Result<()> {
    let (network, daemon, _first) = linked().await?;
    let mut showing = Showing::start(&daemon, &["add", "second", "--pair"])?;
    network.scan(OWNER, &showing.qr().await?).await?;
    let (code, _, complaint) = showing.ended().await?;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("account_in_use"), "{complaint}");
    assert!(complaint.contains("postern device pair second"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn an_interrupted_pairing_ends_with_a_word() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    daemon.create_device().await?;
    let mut showing = Showing::start(&daemon, &["pair", "test"])?;
    showing.qr().await?;
    let pid = showing.child.id().context("it runs")?.to_string();
    let sent = tokio::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .await?;
    assert!(sent.success());
    let (code, _, complaint) = showing.ended().await?;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("stopped"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_code_to_type_in_links_the_device_as_well() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.create_device().await?;
    let mut showing = Showing::start(&daemon, &["pair", "test", "--code", OWNER])?;
    let code = loop {
        let line = showing.line().await?;
        if let Some(code) = line.strip_prefix("    ") {
            break code.to_owned();
        }
    };
    assert_eq!((code.len(), code.find('-')), (9, Some(4)), "{code}");
    network
        .http()
        .post(&format!("/phones/{OWNER}/enter-code"), &json!({ "code": code }))
        .await?
        .ok()?;
    let (code, last, complaint) = showing.ended().await?;
    assert_eq!(code, Some(0), "{complaint}");
    assert!(
        last.ends_with(&format!("is connected (healthy) as {OWNER}")),
        "{last}"
    );
    daemon.device_becomes(&device, "connected").await?;
    Ok(())
}
