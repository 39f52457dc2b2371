//! What a process costs, as Linux counts it: memory and processor time.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Idle means: not even this much of one processor over a second. Polling hundreds of devices takes some.
const IDLE: Duration = Duration::from_millis(150);
/// How long a process may take to become idle.
const SETTLES: Duration = Duration::from_secs(120);

/// The memory of a process, in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident, shared pages counted in full.
    pub(crate) rss: u64,
    /// Resident, shared pages counted by their share.
    pub(crate) pss: u64,
    /// Resident and nobody else's.
    pub(crate) private: u64,
}

impl Memory {
    /// Of the process with this id, now.
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let smaps = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        Ok(Self {
            rss: field(&status, "VmRSS:")?,
            pss: field(&smaps, "Pss:")?,
            private: field(&smaps, "Private_Clean:")? + field(&smaps, "Private_Dirty:")?,
        })
    }
}

fn field(text: &str, name: &str) -> anyhow::Result<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
        .with_context(|| format!("the kernel does not say {name}"))?
        .parse()
        .with_context(|| format!("{name} is no number"))
}

/// The processor time that a process takes in `span`, without that of threads that end meanwhile.
pub(crate) async fn processor_time_in(process: u32, span: Duration) -> anyhow::Result<Duration> {
    let before = threads(process)?;
    tokio::time::sleep(span).await;
    let took = threads(process)?.into_iter().map(|(thread, time)| {
        let earlier = before.get(&thread).copied().unwrap_or_default();
        time.saturating_sub(earlier)
    });
    Ok(took.sum())
}

/// The processor time that a process has taken so far, without that of threads that have ended.
pub(crate) fn processor_time(process: u32) -> anyhow::Result<Duration> {
    Ok(threads(process)?.into_values().sum())
}

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

/// Microseconds for each of `count`.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) fn micros_each(took: Duration, count: u64) -> f64 {
    took.as_secs_f64() * 1e6 / count as f64
}

/// How long each thread of a process has been on a processor, to the nanosecond.
fn threads(process: u32) -> anyhow::Result<HashMap<OsString, Duration>> {
    let mut threads = HashMap::new();
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let thread = thread?;
        // It may end between the listing and the look.
        let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
            continue;
        };
        let nanos = text.split_whitespace().next().context("an empty schedstat")?;
        threads.insert(thread.file_name(), Duration::from_nanos(nanos.parse()?));
    }
    Ok(threads)
}

/// Waits until a process does next to nothing, for at most two minutes.
pub(crate) async fn idle(process: u32) -> anyhow::Result<()> {
    let deadline = Instant::now() + SETTLES;
    while processor_time_in(process, Duration::from_secs(1)).await? > IDLE {
        if Instant::now() > deadline {
            eprintln!("it is still busy after {SETTLES:?}; measuring all the same");
            break;
        }
    }
    Ok(())
}

/// The size of a database with its write-ahead log, in KiB.
pub(crate) fn database_kib(path: &Path) -> anyhow::Result<u64> {
    let log = path.with_extension("db-wal");
    let log = fs::metadata(log).map_or(0, |metadata| metadata.len());
    Ok((fs::metadata(path)?.len() + log).div_ceil(1024))
}
