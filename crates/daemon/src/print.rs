//! How results reach standard output, and questions the person at the terminal.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use postern_domain::Timestamp;

use crate::client::WrongUsage;

/// Writes `text` to standard output. A reader that has seen enough and left is no failure.
///
/// # Errors
/// It cannot be written.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// `text` without what a terminal would take for a command: names come from other people.
pub(crate) fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// A line for each row under a line of titles, in aligned columns; what is empty is a dash.
pub(crate) fn aligned<const COLUMNS: usize>(head: [&str; COLUMNS], rows: Vec<[String; COLUMNS]>) -> String {
    let shown = |cell: String| match cell.as_str() {
        "" => "-".to_owned(),
        cell => printable(cell),
    };
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(rows.into_iter().map(|row| row.map(shown)))
        .collect();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or_default()
    });
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = row
            .into_iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// How long before `now` a time of the API is; the time itself when it cannot be read.
pub(crate) fn ago(time: &str, now: Timestamp) -> String {
    let Some(time) = Timestamp::from_rfc3339(time) else {
        return time.to_owned();
    };
    let seconds = now.since(time).as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// Asks the person at the terminal.
///
/// # Errors
/// The answer is no, or nobody can be asked, which `alone` says.
pub(crate) fn confirm(question: &str, alone: &str) -> anyhow::Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(WrongUsage(alone.to_owned()).into());
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    anyhow::ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was removed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_rfc3339("2026-12-01T12:00:00.000Z").expect("a time")
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        for (time, told) in [
            ("2026-12-01T12:00:00Z", "just now"),
            ("2026-12-01T11:59:55Z", "5 s ago"),
            ("2026-12-01T11:59:00Z", "1 min ago"),
            ("2026-12-01T11:00:01Z", "59 min ago"),
            ("2026-12-01T11:00:00Z", "1 h ago"),
            ("2026-11-29T12:00:01Z", "47 h ago"),
            ("2026-11-29T12:00:00Z", "2 days ago"),
            ("2026-12-01T13:00:00+02:00", "1 h ago"),
            ("2027-01-01T00:00:00Z", "just now"),
            ("soon", "soon"),
        ] {
            assert_eq!(ago(time, now()), told, "{time}");
        }
    }
}
