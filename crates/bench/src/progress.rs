//! Lines on standard error that say how far something has come, so that the tables stay clean.

use std::time::{Duration, Instant};

/// The longest silence while there is something to say.
pub(crate) const EVERY: Duration = Duration::from_secs(10);

/// Says how many of how many, every ten seconds and at the end.
pub(crate) struct Progress {
    what: &'static str,
    total: usize,
    started: Instant,
    said: Instant,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: usize) -> Self {
        let now = Instant::now();
        Self {
            what,
            total,
            started: now,
            said: now,
        }
    }

    /// It has come to `count`.
    pub(crate) fn at(&mut self, count: usize) {
        if self.said.elapsed() < EVERY && count < self.total {
            return;
        }
        self.said = Instant::now();
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("{} of {} {} after {seconds:.1} s", count, self.total, self.what);
    }
}
