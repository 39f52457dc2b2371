//! One line that says what is going on: replaced in place on a terminal, added to where there is none.

use std::io::{self, IsTerminal as _, Stderr, Write};

/// To the start of the line, and erases it.
const ERASE: &str = "\r\u{1b}[2K";

/// The line on standard error. Nobody needs it so much that not being able to show it were a failure.
pub(super) struct Status<W: Write> {
    out: W,
    /// Whether what was shown can be taken back.
    live: bool,
    shown: bool,
}

impl Status<Stderr> {
    pub(super) fn on_stderr() -> Self {
        let out = io::stderr();
        let live = out.is_terminal();
        Self::new(out, live)
    }
}

impl<W: Write> Status<W> {
    pub(super) fn new(out: W, live: bool) -> Self {
        Self {
            out,
            live,
            shown: false,
        }
    }

    /// Whether it costs nothing to say something often.
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    pub(super) fn show(&mut self, text: &str) {
        if self.live {
            write!(self.out, "{ERASE}{text}")
                .and_then(|()| self.out.flush())
                .ok();
        } else {
            writeln!(self.out, "{text}").ok();
        }
        self.shown = true;
    }
}

/// Nothing stays on a terminal.
impl<W: Write> Drop for Status<W> {
    fn drop(&mut self) {
        if self.live && self.shown {
            write!(self.out, "{ERASE}").and_then(|()| self.out.flush()).ok();
        }
    }
}
