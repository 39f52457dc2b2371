//! What a writer counts of its work.

use std::time::Duration;

use postern_metrics::{Counter, Histogram};

/// The work of the one thread that writes to a file.
#[derive(Debug)]
pub struct WriterMeters {
    /// How many jobs shared a commit.
    pub jobs: Histogram,
    /// How long the transactions took, with the jobs in them.
    pub commits: Histogram,
    /// Transactions that failed, with all their jobs.
    pub failures: Counter,
}

impl Default for WriterMeters {
    fn default() -> Self {
        Self {
            jobs: Histogram::of_sizes(),
            commits: Histogram::of_work(),
            failures: Counter::default(),
        }
    }
}

impl WriterMeters {
    /// Takes note of a transaction; an empty one was none.
    pub(super) fn note(&self, jobs: usize, took: Duration, committed: bool) {
        if jobs == 0 {
            return;
        }
        if committed {
            self.jobs.held(jobs);
            self.commits.took(took);
        } else {
            self.failures.increment();
        }
    }
}
