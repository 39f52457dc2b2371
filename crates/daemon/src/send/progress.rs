//! How far a run has come: a bar on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

/// Shows on standard error how many rows are done.
pub(super) struct Progress {
    bar: ProgressBar,
    total: usize,
    done: usize,
}

impl Progress {
    /// Of a run over this many rows.
    pub(super) fn of(total: usize) -> Self {
        // Draws nothing where standard error is no terminal.
        let bar = ProgressBar::new(total as u64);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left");
        Self {
            bar: bar.with_style(style.unwrap_or_else(|_fixed| ProgressStyle::default_bar())),
            total,
            done: 0,
        }
    }

    /// These many more rows are done; `what` says what happened to them.
    pub(super) fn add(&mut self, rows: usize, what: &str) {
        self.done += rows;
        self.bar.set_position(self.done as u64);
        if self.bar.is_hidden() {
            eprintln!("{} of {} rows: {what}", self.done, self.total);
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
