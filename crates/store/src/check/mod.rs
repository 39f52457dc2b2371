//! Checks: whether the files of a data folder are whole, and whether what they say is consistent.
//!
//! Every check has a name and a promise, and finds what breaks it. They only read, each from a snapshot of its own, so
//! they can be made beside a running daemon. Those of each file come first; where they find damage, the rest would
//! guess, and is skipped. Then come the invariants of the gateway's data (`data/checks.rs`), those that the tables
//! cannot keep by themselves, and what one file says of the other (`links.rs`).
//!
//! Findings name ids of messages and devices, never a phone number or a text: they can be shown to others.

mod file;
mod links;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use postern_domain::{DeviceId, MessageId, WebhookId, WorkspaceId};
use rusqlite::{Connection, Row};

use self::file::Unusable;
pub use self::report::{CheckOutcome, CheckStep, Checked, Found};
use crate::files;
use crate::{OpenError, StoreError, data};

/// A check of one file: what it promises, and how to find what breaks the promise.
pub(crate) struct Rule {
    /// Its name, in words with dashes. Never changed.
    pub(crate) name: &'static str,
    /// What should hold, in a sentence.
    pub(crate) promise: &'static str,
    pub(crate) find: Find,
}

/// How to find what breaks a promise.
pub(crate) enum Find {
    /// SQL that answers the id of each offender.
    Rows(Subject, &'static str),
    /// A look that SQL alone cannot take.
    Look(fn(&Connection, &mut Found) -> Result<(), StoreError>),
}

/// Whose ids a check answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Device,
    Message,
    Workspace,
    Webhook,
}

/// A look at a data folder, whether a daemon is using it or not.
#[derive(Debug, Clone)]
pub struct Check {
    /// The folder.
    pub data_dir: PathBuf,
}

impl Check {
    /// Makes every check; answers what each came to, in their order. Blocks: on large files for minutes.
    ///
    /// # Errors
    /// There is no `postern.db`. One that is there and cannot be used is a finding.
    pub fn run(&self, progress: &mut dyn FnMut(CheckStep)) -> Result<Vec<Checked>, OpenError> {
        let path = self.data_dir.join(files::GATEWAY.name);
        std::fs::metadata(&path).map_err(|source| OpenError::File { path, source })?;
        let all = 2 * file::RULES.len() + data::CHECKS.len() + links::RULES.len();
        let mut run = Run {
            progress,
            all,
            results: Vec::with_capacity(all),
        };
        let gateway = file::look(&mut run, &self.data_dir, files::GATEWAY);
        let keys = file::look(&mut run, &self.data_dir, files::KEYS);
        for rule in data::CHECKS {
            run.check(
                files::GATEWAY.name,
                (rule.name, rule.promise),
                || match &gateway {
                    Ok(gateway) => CheckOutcome::broken(gateway.in_snapshot(|snapshot| rule.find(snapshot))),
                    Err(why) => why.skipped(),
                },
            );
        }
        for rule in links::RULES {
            run.check(files::KEYS.name, (rule.name, rule.promise), || {
                match (&gateway, &keys) {
                    (Ok(gateway), Ok(keys)) => rule.look(gateway, Some(keys)),
                    (Ok(gateway), Err(Unusable::Absent)) => rule.look(gateway, None),
                    (Err(why), _) | (_, Err(why)) => why.skipped(),
                }
            });
        }
        Ok(run.results)
    }
}

/// Checks being made.
struct Run<'a> {
    progress: &'a mut dyn FnMut(CheckStep),
    all: usize,
    results: Vec<Checked>,
}

impl Run<'_> {
    fn check(
        &mut self,
        file: &'static str,
        (name, promise): (&'static str, &'static str),
        look: impl FnOnce() -> CheckOutcome,
    ) {
        (self.progress)(CheckStep {
            number: self.results.len() + 1,
            all: self.all,
            file,
            name,
        });
        self.results.push(Checked {
            file,
            name,
            promise,
            outcome: look(),
        });
    }
}

impl Rule {
    /// Everything that breaks the promise, in a transaction.
    pub(crate) fn find(&self, connection: &Connection) -> Result<Found, StoreError> {
        let mut found = Found::default();
        match self.find {
            Find::Look(look) => look(connection, &mut found)?,
            Find::Rows(subject, sql) => {
                let mut statement = connection.prepare(sql)?;
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    found.add(|| subject.name(row));
                }
            }
        }
        Ok(found)
    }
}

impl Subject {
    /// The id in the first column, as the API writes it.
    fn name(self, row: &Row<'_>) -> String {
        let Ok(bytes) = row.get::<_, [u8; 16]>(0) else {
            return "a row without an id".to_owned();
        };
        match self {
            Self::Device => DeviceId::from_bytes(bytes).to_string(),
            Self::Message => MessageId::from_bytes(bytes).to_string(),
            Self::Workspace => WorkspaceId::from_bytes(bytes).to_string(),
            Self::Webhook => WebhookId::from_bytes(bytes).to_string(),
        }
    }
}
