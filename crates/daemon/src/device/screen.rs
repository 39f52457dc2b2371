//! A picture that is replaced in place on a terminal, and printed once where there is none.

use std::io::{self, IsTerminal as _, Stdout, Write};

/// To the start of the line.
const LINE_START: &str = "\r";
/// Erases the line the cursor is on.
const ERASE_LINE: &str = "\u{1b}[2K";
/// Erases everything from the cursor on.
const ERASE_REST: &str = "\u{1b}[0J";

/// Shows one picture at a time, with a caption under it.
pub(super) struct Screen<W> {
    out: W,
    /// Whether what was shown can be taken back.
    live: bool,
    /// Lines of the picture on show, above the caption that the cursor is behind.
    lines: Option<usize>,
}

impl Screen<Stdout> {
    /// On standard output.
    pub(super) fn on_stdout() -> Self {
        let out = io::stdout();
        let live = out.is_terminal();
        Self {
            out,
            live,
            lines: None,
        }
    }
}

impl<W: Write> Screen<W> {
    /// Shows a picture, whole lines, in place of the one before.
    pub(super) fn show(&mut self, picture: &str, caption: &str) -> io::Result<()> {
        self.clear()?;
        write!(self.out, "{picture}{caption}")?;
        if self.live {
            self.lines = Some(picture.lines().count());
        } else {
            writeln!(self.out)?;
        }
        self.out.flush()
    }

    /// Replaces the caption of the picture on show; nothing where it cannot be.
    pub(super) fn caption(&mut self, caption: &str) -> io::Result<()> {
        if self.lines.is_some() {
            write!(self.out, "{LINE_START}{ERASE_LINE}{caption}")?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Prints a line that stays, in place of the picture on show.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        self.clear()?;
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Takes the picture off, so that no code is left behind.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        match self.lines.take() {
            Some(0) => write!(self.out, "{LINE_START}{ERASE_REST}")?,
            Some(lines) => write!(self.out, "{LINE_START}\u{1b}[{lines}A{ERASE_REST}")?,
            None => {}
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(live: bool) -> Screen<Vec<u8>> {
        Screen {
            out: Vec::new(),
            live,
            lines: None,
        }
    }

    /// What a terminal shows in the end, as far as this module moves its cursor.
    fn seen(screen: Screen<Vec<u8>>) -> Vec<String> {
        let text = String::from_utf8(screen.out).expect("text");
        let (mut lines, mut row, mut rest) = (vec![String::new()], 0, text.as_str());
        while let Some(character) = rest.chars().next() {
            rest = &rest[character.len_utf8()..];
            match character {
                '\n' => {
                    row += 1;
                    lines.resize(lines.len().max(row + 1), String::new());
                }
                // Only ever followed by an erasure of the line or a move.
                '\r' => {}
                '\u{1b}' => {
                    let end = rest.find(char::is_alphabetic).expect("a command") + 1;
                    let (command, after) = rest.split_at(end);
                    rest = after;
                    match command {
                        "[2K" => lines[row].clear(),
                        "[0J" => {
                            lines.truncate(row + 1);
                            lines[row].clear();
                        }
                        up => {
                            let count = up.trim_start_matches('[').trim_end_matches('A');
                            row -= count.parse::<usize>().expect("a number of lines");
                        }
                    }
                }
                other => lines[row].push(other),
            }
        }
        lines
    }

    #[test]
    fn on_a_terminal_each_picture_replaces_the_one_before() {
        let mut screen = screen(true);
        screen.say("before").expect("written");
        screen.show("a1\na2\na3\n", "3 s").expect("written");
        screen.caption("2 s").expect("written");
        screen.show("b1\nb2\n", "9 s").expect("written");
        screen.caption("8 s").expect("written");
        assert_eq!(seen(screen), ["before", "b1", "b2", "8 s"]);
    }

    #[test]
    fn nothing_of_a_picture_stays_on_a_terminal() {
        let mut screen = screen(true);
        screen.show("a1\na2\n", "3 s").expect("written");
        screen.say("linked").expect("written");
        screen.show("", "wait").expect("written");
        screen.clear().expect("written");
        screen.clear().expect("written");
        assert_eq!(seen(screen), ["linked", ""]);
    }

    #[test]
    fn elsewhere_every_picture_is_printed_once_and_no_cursor_moves() {
        let mut screen = screen(false);
        screen.show("a1\n", "3 s").expect("written");
        screen.caption("2 s").expect("written");
        screen.show("b1\n", "9 s").expect("written");
        screen.say("linked").expect("written");
        screen.clear().expect("written");
        let text = String::from_utf8(screen.out).expect("text");
        assert_eq!(text, "a1\n3 s\nb1\n9 s\nlinked\n");
    }
}
