//! A CSV file: its rows, each made into a message, or what keeps it from being one.

use std::path::Path;

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};
use postern_domain::{Address, Content};

use super::lines::{Lines, without_mark};
use super::template::{Template, column};
use crate::client::WrongUsage;

/// How many rows that cannot be sent are listed at most.
const LISTED: usize = 20;

const NOT_UTF8: &str = "is not UTF-8; save the file as \"CSV UTF-8\"";

/// A file that was read, with the column of recipients and the template for its rows.
pub(super) struct Table {
    content: Vec<u8>,
    to: usize,
    template: Template,
}

/// A row as a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins in the file.
    pub(super) line: u64,
    /// The recipient in its canonical form.
    pub(super) to: String,
    pub(super) text: String,
}

/// Why a row cannot be sent.
#[derive(Debug)]
pub(super) struct BadRow {
    line: u64,
    why: String,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, has no usable header, or the header lacks a column that is asked for.
    pub(super) fn read(path: &Path, to_column: &str, template: &str) -> Result<Self, WrongUsage> {
        let named = |why: String| WrongUsage(format!("{}: {why}", path.display()));
        let content = std::fs::read(path).map_err(|error| named(format!("cannot be read: {error}")))?;
        Self::of(content, to_column, template).map_err(named)
    }

    fn of(content: Vec<u8>, to_column: &str, template: &str) -> Result<Self, String> {
        let columns = reader(&content).byte_headers().cloned();
        let columns = columns.map_err(|error| error.to_string()).and_then(|columns| {
            StringRecord::from_byte_record(columns).map_err(|_not_utf8| format!("the header {NOT_UTF8}"))
        })?;
        if let Some(twice) = repeated(&columns) {
            return Err(format!("the header has the column {twice} twice"));
        }
        let to = column(&columns, to_column).map_err(|known| {
            format!("there is no column {to_column} with the recipients; --to-column names one of {known}")
        })?;
        let template = Template::parse(template, &columns)?;
        Ok(Self {
            content,
            to,
            template,
        })
    }

    /// The file's bytes.
    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Every row, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row, BadRow>> {
        let mut lines = Lines::of(&self.content);
        reader(&self.content).into_byte_records().map(move |record| {
            let start = match &record {
                Ok(record) => record.position(),
                Err(error) => error.position(),
            };
            let line = lines.number_at(start.map_or(0, Position::byte));
            let message = record
                .map_err(|error| why(&error))
                .and_then(|record| self.row(record));
            match message {
                Ok((to, text)) => Ok(Row { line, to, text }),
                Err(why) => Err(BadRow { line, why }),
            }
        })
    }

    /// The recipient and the text of a row.
    fn row(&self, record: ByteRecord) -> Result<(String, String), String> {
        let record = StringRecord::from_byte_record(record).map_err(|_not_utf8| NOT_UTF8.to_owned())?;
        let to = record.get(self.to).unwrap_or_default().trim();
        let to: Address = to.parse().map_err(|why| format!("the recipient: {why}"))?;
        let text = self.template.fill(&record);
        Content::text(text.clone()).map_err(|why| format!("the text {why}"))?;
        Ok((to.to_string(), text))
    }

    /// How many rows there are, all of which can be sent.
    ///
    /// # Errors
    /// There is none, or some cannot be sent; lists them.
    pub(super) fn check(&self) -> Result<usize, String> {
        let (mut good, mut bad, mut listed) = (0, 0, String::new());
        for row in self.rows() {
            match row {
                Ok(_) => good += 1,
                Err(row) => {
                    bad += 1;
                    if bad <= LISTED {
                        listed += &format!("\n  {row}");
                    }
                }
            }
        }
        if bad > LISTED {
            listed += &format!("\n  and {} more", bad - LISTED);
        }
        match (good, bad) {
            (0, 0) => Err("there is no row under the header".to_owned()),
            (good, 0) => Ok(good),
            (_, 1) => Err(format!("a row cannot be sent; nothing was sent{listed}")),
            (_, bad) => Err(format!("{bad} rows cannot be sent; nothing was sent{listed}")),
        }
    }
}

impl std::fmt::Display for BadRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// What is wrong with a row that cannot be read.
fn why(error: &csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("the number of fields is {len}, and the header's is {expected_len}"),
        _ => error.to_string(),
    }
}

fn reader(content: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new()
        .trim(Trim::Headers)
        .from_reader(without_mark(content))
}

/// A column that is there more than once.
fn repeated(columns: &StringRecord) -> Option<&str> {
    let mut names = columns.iter().enumerate();
    let repeated = names.find(|(index, name)| columns.iter().take(*index).any(|earlier| earlier == *name));
    repeated.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(content: &str) -> Result<Table, String> {
        Table::of(content.as_bytes().to_vec(), "to", "Hi {name}")
    }

    fn row(line: u64, to: &str, text: &str) -> Row {
        Row {
            line,
            to: to.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn rows_are_messages_with_their_lines() {
        let content = "\u{feff}to, name\r\n+15551234567,Ada\r\n\r\n 15557654321 ,\"Grace\n\"\"Hopper\"\"\"\r\n+15551234567,Ada\r\n";
        let table = table(content).expect("a table");
        let rows: Result<Vec<_>, _> = table.rows().collect();
        assert_eq!(
            rows.expect("rows"),
            [
                row(2, "+15551234567", "Hi Ada"),
                row(4, "+15557654321", "Hi Grace\n\"Hopper\""),
                row(6, "+15551234567", "Hi Ada"),
            ]
        );
        assert_eq!(table.check(), Ok(3));
        for (ending, lines) in [("\n", [2, 4]), ("\r\n", [2, 4]), ("\r", [2, 4])] {
            let content = ["to,name", "+15551234567,Ada", "", "+15551234567,Ada"].join(ending);
            let table = self::table(&content).expect("a table");
            let found: Vec<_> = table.rows().map(|row| row.expect("a row").line).collect();
            assert_eq!(found, lines, "{ending:?}");
        }
    }

    #[test]
    fn every_row_that_cannot_be_sent_is_named_by_its_line() {
        let long = "x".repeat(4_096);
        let content =
            format!("to,name\n+15551234567,Ada\n555,Ada\n+15551234567\n,Ada\n+15551234567,{long}\n");
        let error = table(&content).expect("a table").check().expect_err("bad rows");
        let lines: Vec<_> = error.lines().collect();
        assert_eq!(lines.len(), 5, "{error}");
        assert_eq!(lines[0], "4 rows cannot be sent; nothing was sent");
        assert!(lines[1].starts_with("  line 3: the recipient: "), "{error}");
        assert_eq!(
            lines[2],
            "  line 4: the number of fields is 1, and the header's is 2"
        );
        assert!(lines[3].starts_with("  line 5: the recipient: "), "{error}");
        assert_eq!(
            lines[4],
            "  line 6: the text has 4099 characters; 4096 are the most"
        );
    }

    #[test]
    fn not_more_than_some_rows_are_listed() {
        let content = format!("to,name\n{}", "x,y\n".repeat(50));
        let error = table(&content).expect("a table").check().expect_err("bad rows");
        assert_eq!(error.lines().count(), 22);
        assert!(error.ends_with("  and 30 more"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_table_says_why() {
        for (content, said) in [
            ("", "no column to"),
            ("phone,name\n", "one of phone, name"),
            ("to;name\n", "one of to;name"),
            ("to,name,to\n", "column to twice"),
            ("to\n", "no such column; it has to"),
        ] {
            let Err(error) = table(content) else {
                panic!("{content}")
            };
            assert!(error.contains(said), "{content:?}: {error}");
        }
        let none = table("to,name\n").expect("a table").check();
        assert_eq!(none, Err("there is no row under the header".to_owned()));
        let latin = Table::of(b"to,n\xe4me\n".to_vec(), "to", "Hi");
        assert!(latin.is_err_and(|error| error.contains("the header is not UTF-8")));
        let latin = Table::of(b"to,name\n+15551234567,J\xf6rg\n".to_vec(), "to", "Hi {name}");
        let error = latin
            .unwrap_or_else(|why| panic!("{why}"))
            .check()
            .expect_err("not UTF-8");
        assert!(error.contains("line 2: is not UTF-8"), "{error}");
    }
}
