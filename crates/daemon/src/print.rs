//! How results reach standard output.

use std::io::{ErrorKind, Write as _};

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
