//! Names that people give to keys and workspaces.

use crate::errors::FieldError;

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// # Errors
/// A name that is missing, too long, or cannot be shown.
pub(crate) fn checked_name(name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    let why = if name.is_empty() {
        "must not be empty".to_owned()
    } else if name.chars().count() > MAX_NAME {
        format!("must have at most {MAX_NAME} characters")
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else {
        return Ok(name.to_owned());
    };
    Err(FieldError::new("name", why))
}
