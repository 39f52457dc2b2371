//! Where in a file a row stands.

/// The numbers of lines, which the reader counts otherwise where lines are empty or end as on Windows.
pub(super) struct Lines<'a> {
    content: &'a [u8],
    at: usize,
    number: u64,
}

impl<'a> Lines<'a> {
    /// Of a file.
    pub(super) fn of(content: &'a [u8]) -> Self {
        Self {
            content: without_mark(content),
            at: 0,
            number: 1,
        }
    }

    /// The line of the row that is found from `byte` on, behind empty lines; never before one that was asked for.
    pub(super) fn number_at(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        while let Some(&letter) = self.content.get(self.at)
            && (self.at < byte || matches!(letter, b'\r' | b'\n'))
        {
            self.at += 1;
            let ends = match letter {
                b'\n' => true,
                b'\r' => self.content.get(self.at) != Some(&b'\n'),
                _ => false,
            };
            self.number += u64::from(ends);
        }
        self.number
    }
}

/// Without what spreadsheets put in front to say that it is UTF-8.
pub(super) fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}
