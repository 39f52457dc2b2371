//! Power loss: before a 202 leaves, everything it promises has been flushed to the disk. A kill does not show that, the
//! order of the daemon's calls into the kernel does.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context as _;
use futures_util::future::try_join_all;
use postern_testkit::{DaemonOptions, TestDaemon, TestSandbox, eventually};
use tempfile::TempDir;

use crate::CONTACT;
use crate::tracing::{can_trace, traced};

/// A library that keeps the daemon's flushes from the kernel, as `synchronous=OFF` would.
const NO_FLUSH: &str =
    "int fsync(int file) { (void)file; return 0; }\nint fdatasync(int file) { (void)file; return 0; }\n";

#[tokio::test]
async fn what_is_answered_with_202_was_flushed_before() -> anyhow::Result<()> {
    let Some((told, calls)) = trace_acceptances(DaemonOptions::default()).await? else {
        return Ok(());
    };
    for (id, text) in told {
        assert_eq!(is_flushed_first(&calls, &id, &text), Ok(()), "{text}");
    }
    Ok(())
}

/// The test above would notice: without flushes it finds none of the messages safe.
#[tokio::test]
async fn a_daemon_that_does_not_flush_is_found_out() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut options = DaemonOptions::default();
    let library = no_flush(&folder).await?;
    options.environment.push(("LD_PRELOAD".to_owned(), library));
    let Some((told, calls)) = trace_acceptances(options).await? else {
        return Ok(());
    };
    for (id, text) in told {
        assert_eq!(
            is_flushed_first(&calls, &id, &text),
            Err("it was never flushed"),
            "{text}"
        );
    }
    Ok(())
}

/// Posts messages to a daemon, one by one and many at once; answers their ids and texts, and what the daemon asked of
/// the kernel. `None` where that cannot be seen.
async fn trace_acceptances(
    options: DaemonOptions,
) -> anyhow::Result<Option<(HashMap<String, String>, Vec<Call>)>> {
    if !can_trace().await {
        println!("SKIPPED: processes cannot be traced here, so nobody sees what is flushed when");
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("trace");
    let calls = "trace=pwrite64,fsync,fdatasync,write,writev,sendto,sendmsg";
    let output = file.to_str().context("a plain path")?;
    let postern = traced(&["-y", "-s", "8192", "-o", output, "-e", calls])?;
    let network = TestSandbox::start(&crate::postern()).await?;
    let mut daemon = TestDaemon::start_with(&postern, &network, options).await?;
    let device = daemon.create_device().await?;
    let mut told = HashMap::new();
    for number in 0..10 {
        let (id, text) = accept(&daemon, &device, format!("one by one {number};")).await?;
        told.insert(id, text);
    }
    let at_once = (0..40).map(|number| accept(&daemon, &device, format!("at once {number};")));
    told.extend(try_join_all(at_once).await?);
    daemon.kill().await?;
    let trace = eventually("the trace is complete", || async {
        let trace = std::fs::read_to_string(&file)?;
        Ok(trace
            .trim_end()
            .ends_with("+++ killed by SIGKILL +++")
            .then_some(trace))
    });
    Ok(Some((told, calls_in(&trace.await?))))
}

async fn accept(daemon: &TestDaemon, device: &str, text: String) -> anyhow::Result<(String, String)> {
    let mut body = postern_testkit::text(device, CONTACT, &text);
    body["ifDisconnected"] = "queue".into();
    let answer = daemon.http().post("/v1/messages", &body).await?;
    assert_eq!(answer.status, 202);
    let id = answer.json()?["id"].as_str().context("no id")?.to_owned();
    Ok((id, text))
}

/// A call into the kernel.
#[derive(Debug)]
struct Call {
    /// Its name and arguments.
    text: String,
    /// The line of the trace where it began.
    from: usize,
    /// The line where it was over, and what came of it.
    until: Option<(usize, String)>,
}

impl Call {
    fn is_to_log(&self, name: &str) -> bool {
        self.text.starts_with(name) && self.text.contains("/postern.db-wal>")
    }

    /// When it had succeeded; `None` if it had not.
    fn done(&self) -> Option<usize> {
        let (line, result) = self.until.as_ref()?;
        (!result.starts_with('-')).then_some(*line)
    }
}

/// Whether a message was written, then flushed, then told.
fn is_flushed_first(calls: &[Call], id: &str, text: &str) -> Result<(), &'static str> {
    let answer = calls
        .iter()
        .find(|call| call.text.contains("HTTP/1.1 202") && call.text.contains(id))
        .ok_or("it was never told")?;
    let written = calls
        .iter()
        .find(|call| call.is_to_log("pwrite64") && call.text.contains(text))
        .and_then(Call::done)
        .ok_or("it was never written")?;
    let flushed = calls
        .iter()
        .filter(|call| (call.is_to_log("fsync") || call.is_to_log("fdatasync")) && call.from > written)
        .find_map(Call::done)
        .ok_or("it was never flushed")?;
    if flushed < answer.from {
        Ok(())
    } else {
        Err("it was told before it was flushed")
    }
}

/// The calls in a trace, in the order in which they began. A call that another thread's call interrupts has two lines.
fn calls_in(trace: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open = HashMap::new();
    for (line, entry) in trace.lines().enumerate() {
        let Some((thread, entry)) = entry.split_once(' ') else {
            continue;
        };
        let result = |entry: &str| {
            entry
                .rsplit_once(" = ")
                .map(|(_, result)| (line, result.to_owned()))
        };
        let entry = entry.trim_start();
        if entry.starts_with("<... ") {
            if let Some(call) = open
                .remove(thread)
                .and_then(|number: usize| calls.get_mut(number))
            {
                call.until = result(entry);
            }
            continue;
        }
        let until = match entry.strip_suffix("<unfinished ...>") {
            Some(_) => {
                open.insert(thread, calls.len());
                None
            }
            None => result(entry),
        };
        calls.push(Call {
            text: entry.to_owned(),
            from: line,
            until,
        });
    }
    calls
}

/// Compiles the library that flushes nothing; answers where it is.
async fn no_flush(folder: &TempDir) -> anyhow::Result<String> {
    let [source, library] = ["flush.c", "flush.so"].map(|name| folder.path().join(name));
    std::fs::write(&source, NO_FLUSH)?;
    let mut compiler = tokio::process::Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .args([&library as &Path, &source]);
    anyhow::ensure!(
        compiler.status().await?.success(),
        "no C compiler, yet SQLite was compiled"
    );
    Ok(library.to_str().context("a plain path")?.to_owned())
}
