//! How far a copy is.

use std::io::{Stderr, Write};

use postern_store::Progress;

use super::status::Status;

/// Where a line cannot be replaced there is one for each tenth.
const TENTHS: u64 = 10;

/// Shows progress for as long as it lives.
pub(super) struct Meter<W: Write> {
    status: Status<W>,
    /// What a copy is counted in.
    unit: &'static str,
    /// What was said last: the file, and the tenth it was at; more than all when it is being checked.
    said: Option<(&'static str, u64)>,
}

impl Meter<Stderr> {
    pub(super) fn on_stderr(unit: &'static str) -> Self {
        Self::new(Status::on_stderr(), unit)
    }
}

impl<W: Write> Meter<W> {
    fn new(status: Status<W>, unit: &'static str) -> Self {
        Self {
            status,
            unit,
            said: None,
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        let (place, text) = match progress {
            Progress::Copying { file, done, all } => {
                let percent = done.saturating_mul(100) / all.max(1);
                let text = format!("{file}: {done} of {all} {} copied, {percent} %", self.unit);
                ((file, percent * TENTHS / 100), text)
            }
            Progress::Checking { file } => {
                let text = format!("{file}: the copy is being checked");
                ((file, TENTHS + 1), text)
            }
        };
        let is_news = self.said.replace(place) != Some(place);
        if is_news || self.status.is_live() {
            self.status.show(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(live: bool) -> String {
        let mut out = Vec::new();
        let mut meter = Meter::new(Status::new(&mut out, live), "pages");
        for done in [1, 2, 255, 600, 600] {
            let (file, all) = ("postern.db", 600);
            meter.show(Progress::Copying { file, done, all });
        }
        meter.show(Progress::Checking { file: "postern.db" });
        drop(meter);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn without_a_terminal_there_is_a_line_for_what_is_news() {
        let expected = "\
postern.db: 1 of 600 pages copied, 0 %
postern.db: 255 of 600 pages copied, 42 %
postern.db: 600 of 600 pages copied, 100 %
postern.db: the copy is being checked
";
        assert_eq!(shown(false), expected);
    }

    #[test]
    fn on_a_terminal_one_line_is_replaced_and_nothing_stays() {
        let shown = shown(true);
        assert!(!shown.contains('\n'));
        let lines: Vec<_> = shown.split("\r\u{1b}[2K").collect();
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[3], "postern.db: 255 of 600 pages copied, 42 %");
        assert_eq!(lines[7], "");
    }
}
