//! A data folder as the first release left it: schema 1, a device that was never linked, and messages that wait for it.

use std::path::Path;

use anyhow::Context as _;
use refinery::{Migration, Runner};
use rusqlite::Connection;
use tempfile::TempDir;

/// The schema of the first release.
const FIRST: (&str, &str) = (
    "V1__gateway",
    include_str!("../../../migrations/postern/V1__gateway.sql"),
);
/// What marks the file as the gateway's.
const APPLICATION: i32 = 0x5073_7444;
/// The last characters of the ids; the others are zeros.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// `queued`, in the numbers of the domain.
const QUEUED: u8 = 2;

/// A folder to start a daemon on.
#[derive(Debug)]
pub struct OlderFolder {
    /// Where it is.
    pub folder: TempDir,
    /// The device in it.
    pub device: String,
    /// The messages that wait, in the order of acceptance. Their time of acceptance is now.
    pub messages: Vec<OlderMessage>,
}

/// A message in an [`OlderFolder`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OlderMessage {
    /// Its id.
    pub id: String,
    /// The number it is to be sent to, e.g. `+15551234567`.
    pub to: String,
    /// What it says.
    pub text: String,
}

impl OlderFolder {
    /// Makes one with a message to each of these numbers in turn, 31 of them.
    ///
    /// # Errors
    /// The disk or SQLite refuses.
    pub fn make(contacts: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut connection = open(&folder.path().join("postern.db"))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        let schema = Migration::unapplied(FIRST.0, FIRST.1)?;
        Runner::new(&[schema]).run(&mut connection)?;
        connection.execute_batch(
            "INSERT INTO workspaces (id, name, plan, created_at) VALUES (zeroblob(16), 'default', 'unlimited', 1);
             INSERT INTO devices (id, workspace_id, name, intent, state, reason, since, created_at)
             VALUES (zeroblob(16), zeroblob(16), 'older', 1, 1, 1, 1, 1);",
        )?;
        let messages: Vec<OlderMessage> = (1..DIGITS.len())
            .zip(contacts.iter().cycle())
            .map(|(number, to)| OlderMessage {
                id: format!("msg_{}", id(number)),
                to: (*to).to_owned(),
                text: format!("from the first release {number}"),
            })
            .collect();
        for (number, message) in (1..).zip(&messages) {
            insert(&connection, number, message)?;
        }
        Ok(Self {
            folder,
            device: format!("dev_{}", id(0)),
            messages,
        })
    }

    /// A copy of it in another place.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn copy(&self) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for entry in std::fs::read_dir(self.folder.path())? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
        }
        Ok(Self {
            folder,
            device: self.device.clone(),
            messages: self.messages.clone(),
        })
    }
}

/// The text of a ULID with this number.
fn id(number: usize) -> String {
    format!("{:0>26}", char::from(DIGITS[number]))
}

fn insert(connection: &Connection, number: u8, message: &OlderMessage) -> anyhow::Result<()> {
    let mut id = [0; 16];
    id[15] = number;
    let stanza = format!("3EB0{number:016X}");
    // postern.v1.Content with a text, and postern.v1.Timeline with one step.
    let content = field(1, &field(1, message.text.as_bytes())?)?;
    let timeline = field(1, &[1 << 3, QUEUED])?;
    connection.execute(
        "INSERT INTO messages (id, workspace_id, device_id, direction, status, chat, sender, stanza_id, content,
                               timeline, created_at, updated_at)
         SELECT ?1, zeroblob(16), zeroblob(16), 1, ?2, ?3, '', ?4, ?5, ?6, now, now
         FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)",
        (id, QUEUED, &message.to, stanza, content, timeline),
    )?;
    connection.execute(
        "INSERT INTO outbox (device_id, lane, seq, chat, due_at)
         SELECT device_id, 0, seq, chat, created_at FROM messages WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

/// A field of a protobuf message whose value is bytes, fewer than 128.
fn field(number: u8, value: &[u8]) -> anyhow::Result<Vec<u8>> {
    let length = u8::try_from(value.len()).ok().filter(|length| *length < 128);
    let mut bytes = vec![number << 3 | 2, length.context("too long for this encoder")?];
    bytes.extend(value);
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "a folder that no store of today writes")]
fn open(path: &Path) -> anyhow::Result<Connection> {
    Ok(Connection::open(path)?)
}
