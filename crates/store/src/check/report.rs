//! What checks come to.

use crate::StoreError;

/// How many examples are kept of what a check finds.
const EXAMPLES: usize = 5;

/// A check that is about to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckStep {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub all: usize,
    /// The file it looks at.
    pub file: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The file it looked at.
    pub file: &'static str,
    /// Its name, the same in every release.
    pub name: &'static str,
    /// What should hold, in a sentence.
    pub promise: &'static str,
    /// Whether it does.
    pub outcome: CheckOutcome,
}

/// Whether what a check promises holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It does.
    Holds,
    /// It does not.
    Broken(Found),
    /// It does not, which somebody should know of; nothing is damaged.
    Warning(Found),
    /// It was not looked at.
    Skipped {
        /// Why not.
        why: String,
    },
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// How much of it.
    pub count: u64,
    /// The first of it: ids, or sentences.
    pub examples: Vec<String>,
}

impl Checked {
    /// Whether it found something that is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.outcome, CheckOutcome::Broken(_))
    }
}

impl CheckOutcome {
    /// What was found is broken. Whoever could not look to the end has found something too.
    pub(super) fn broken(found: Result<Found, StoreError>) -> Self {
        match found {
            Ok(found) if found.count == 0 => Self::Holds,
            Ok(found) => Self::Broken(found),
            Err(error) => Self::Broken(Found::one(error.to_string())),
        }
    }

    /// The same, where what was found is no damage.
    pub(super) fn warning(found: Result<Found, StoreError>) -> Self {
        match found {
            Ok(found) if found.count > 0 => Self::Warning(found),
            other => Self::broken(other),
        }
    }
}

impl Found {
    /// One sentence.
    pub(super) fn one(sentence: String) -> Self {
        Self {
            count: 1,
            examples: vec![sentence],
        }
    }

    /// Counts one more, and keeps it among the first.
    pub(crate) fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(what());
        }
    }
}
