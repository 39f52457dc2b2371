//! What SQLite says of a file: whether it is one of ours, of this release, and whole.

use std::path::Path;

use super::{CheckOutcome, Found, Run};
use crate::StoreError;
use crate::files::DataFile;
use crate::sqlite::{Beside, Depth};

const KIND: (&str, &str) = ("kind", "It is this database of Postern.");
const SCHEMA: (&str, &str) = ("schema", "Its schema is that of this release.");
const INTEGRITY: (&str, &str) = (
    "integrity",
    "Every page, row and index entry can be read and fits the others.",
);
const REFERENCES: (&str, &str) = ("references", "Whatever a row refers to is there.");

/// The names and promises of the checks of each file.
pub(super) const RULES: [(&str, &str); 4] = [KIND, SCHEMA, INTEGRITY, REFERENCES];

/// Why what is in a file is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is not there.
    Absent,
    /// It cannot be read, or not be relied on.
    Damaged,
    /// An earlier release wrote it, and no daemon of this one has opened it yet.
    Older,
    /// A later release wrote it.
    Newer,
}

impl Unusable {
    pub(super) fn skipped(self) -> CheckOutcome {
        let why = match self {
            Self::Absent => "there is no such file",
            Self::Damaged => "the file is damaged",
            Self::Older => "an earlier release wrote it; the daemon brings it up to date when it starts",
            Self::Newer => "a later release wrote it",
        };
        CheckOutcome::Skipped { why: why.to_owned() }
    }
}

/// Makes the checks of a file; answers it if its content can be looked at.
pub(super) fn look(run: &mut Run<'_>, folder: &Path, file: DataFile) -> Result<Beside, Unusable> {
    let path = folder.join(file.name);
    if !path.exists() {
        for rule in RULES {
            run.check(file.name, rule, || Unusable::Absent.skipped());
        }
        return Err(Unusable::Absent);
    }
    let mut opened = Err(Unusable::Damaged);
    run.check(file.name, KIND, || match Beside::open(&path, file.schema) {
        Ok(beside) => {
            opened = Ok(beside);
            CheckOutcome::Holds
        }
        Err(error) => CheckOutcome::Broken(Found::one(error.to_string())),
    });
    let mut content = Ok(());
    run.check(file.name, SCHEMA, || match &opened {
        Ok(beside) => {
            let (outcome, usable) = version(beside, file);
            content = usable;
            outcome
        }
        Err(why) => why.skipped(),
    });
    run.check(file.name, INTEGRITY, || match &opened {
        Ok(beside) => {
            let outcome = CheckOutcome::broken(defects(beside));
            if outcome != CheckOutcome::Holds {
                content = Err(Unusable::Damaged);
            }
            outcome
        }
        Err(why) => why.skipped(),
    });
    run.check(file.name, REFERENCES, || match (&opened, content) {
        (Err(why), _) => why.skipped(),
        (_, Err(Unusable::Damaged)) => Unusable::Damaged.skipped(),
        (Ok(beside), _) => CheckOutcome::broken(dangling(beside)),
    });
    content.and(opened)
}

fn version(file: &Beside, kind: DataFile) -> (CheckOutcome, Result<(), Unusable>) {
    let known = kind.schema.latest();
    match file.version() {
        Ok(found) if found == known => (CheckOutcome::Holds, Ok(())),
        Ok(found) if found < known => (
            CheckOutcome::Warning(Found::one(format!(
                "its version is {found}, this release makes {known}"
            ))),
            Err(Unusable::Older),
        ),
        Ok(found) => (
            CheckOutcome::Broken(Found::one(format!(
                "its version is {found}, this release knows up to {known}"
            ))),
            Err(Unusable::Newer),
        ),
        Err(error) => (
            CheckOutcome::Broken(Found::one(error.to_string())),
            Err(Unusable::Damaged),
        ),
    }
}

fn defects(file: &Beside) -> Result<Found, StoreError> {
    let mut found = Found::default();
    for defect in file.defects(Depth::Indexes)? {
        found.add(|| defect);
    }
    Ok(found)
}

fn dangling(file: &Beside) -> Result<Found, StoreError> {
    let mut statement = file.connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    let mut found = Found::default();
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        found.add(|| format!("a row of {table} refers to a row of {parent} that is not there"));
    }
    Ok(found)
}
