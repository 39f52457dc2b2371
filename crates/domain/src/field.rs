//! What is wrong with a field that a person or a program filled in.

use std::time::Duration;

use crate::Timestamp;

/// A field that is not acceptable, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Its path as the API calls it, e.g. `eventTypes[2]`.
    pub field: String,
    /// What is wrong with it, to stand behind its name.
    pub message: String,
}

impl FieldProblem {
    /// `field` is not acceptable because of `message`.
    #[must_use]
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The longest name of a key, a workspace or a device, in characters.
pub const MAX_NAME: usize = 100;

/// What people call a key or a workspace, without the spaces around it.
///
/// # Errors
/// It is missing, too long, or cannot be shown.
pub fn checked_name(name: &str) -> Result<String, FieldProblem> {
    let name = checked_label(name)?;
    if name.is_empty() {
        return Err(FieldProblem::new("name", "must not be empty"));
    }
    Ok(name)
}

/// What people call a device, without the spaces around it; it may be empty.
///
/// # Errors
/// It is too long, or cannot be shown.
pub fn checked_label(name: &str) -> Result<String, FieldProblem> {
    let why = if name.chars().count() > MAX_NAME {
        format!("must have at most {MAX_NAME} characters")
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return Ok(name.trim().to_owned());
    };
    Err(FieldProblem::new("name", why))
}

/// How far ahead a message may be scheduled.
const MAX_AHEAD: Duration = Duration::from_hours(366 * 24);

/// Whether a message may be told to leave at this time.
///
/// # Errors
/// It is not in the future, or too far in it.
pub fn checked_send_at(at: Timestamp, now: Timestamp) -> Result<(), FieldProblem> {
    if at <= now {
        return Err(FieldProblem::new("sendAt", "must be in the future"));
    }
    if at > now.after(MAX_AHEAD) {
        return Err(FieldProblem::new("sendAt", "must be at most one year ahead"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_shown() {
        assert_eq!(checked_name(" order worker "), Ok("order worker".to_owned()));
        for bad in ["", "  ", "a\nb", &"x".repeat(MAX_NAME + 1)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(checked_label("  "), Ok(String::new()));
        assert!(checked_label("a\nb").is_err());
    }
}
