//! What the process itself costs, as Linux tells it; elsewhere only when it started.

use std::fs;

use postern_domain::Timestamp;

use super::families as about;
use super::family::Family;
use super::family::Value::{Level, Seconds};
use super::gather::level;

/// What a second is in the times of `/proc`, on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is known, under the names that Prometheus' own clients use.
pub(super) fn families(started: Timestamp) -> Vec<Family> {
    let started = started.as_millis() as f64 / 1_000.0;
    let mut known = vec![Family::single(about::STARTED, Level(started))];
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        let memory = number_after(&status, "VmRSS:").map(|kib| level(kib * 1024));
        let threads = number_after(&status, "Threads:").map(level);
        known.extend(memory.map(|value| Family::single(about::MEMORY, value)));
        known.extend(threads.map(|value| Family::single(about::THREADS, value)));
    }
    if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
        let most = number_after(&limits, "Max open files").map(level);
        known.extend(most.map(|value| Family::single(about::MOST_FILES, value)));
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        known.push(Family::single(about::OPEN_FILES, level(files.count() as u64)));
    }
    let cpu = fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| cpu_seconds(&stat));
    known.extend(cpu.map(|seconds| Family::single(about::CPU, Seconds(seconds))));
    known
}

/// The first number behind a title at the beginning of a line.
fn number_after(text: &str, title: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(title))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The 14th and 15th field; the second, the program's name, may hold anything and ends with the last bracket.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields
        .split_whitespace()
        .skip(11)
        .map(|ticks| ticks.parse::<f64>().ok());
    Some((times.next()?? + times.next()??) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_hides_no_time() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 99 0 0 0 250 50 0 0 20 0 9 0 100 5 6";
        assert_eq!(cpu_seconds(stat), Some(3.0));
    }

    #[test]
    fn numbers_are_found_behind_their_titles() {
        let status = "Name:\tpostern\nVmRSS:\t   2048 kB\nThreads:\t11\n";
        assert_eq!(number_after(status, "VmRSS:"), Some(2_048));
        assert_eq!(number_after(status, "Threads:"), Some(11));
        assert_eq!(number_after(status, "VmSwap:"), None);
        let limits = "Max open files            unlimited            unlimited            files\n";
        assert_eq!(number_after(limits, "Max open files"), None);
    }
}
