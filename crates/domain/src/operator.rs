//! The people who use the dashboard: their names, and what they may do.

use std::fmt;
use std::str::FromStr;

/// What an operator may do; each may what those after it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Role {
    /// Manages the other operators and removes devices.
    Owner = 1,
    /// Links devices and sends messages.
    Operator = 2,
    /// Looks.
    Viewer = 3,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Operator, Self::Viewer];

    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The inverse of [`Self::number`].
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.number() == number)
    }

    /// The name that is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }

    /// The inverse of [`Self::name`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may do what `needed` may.
    #[must_use]
    pub const fn may(self, needed: Self) -> bool {
        self.number() <= needed.number()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an operator logs in with: 2 to 64 letters, digits, `.`, `_`, `-`, `+` or `@`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperatorName(String);

/// The text is not a name that an operator can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 2 to 64 letters, digits, or one of . _ - + @")]
pub struct OperatorNameError;

impl OperatorName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OperatorName {
    type Err = OperatorNameError;

    fn from_str(text: &str) -> Result<Self, OperatorNameError> {
        let name = text.trim().to_lowercase();
        let allowed =
            |character: char| character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '+' | '@');
        if (2..=64).contains(&name.chars().count()) && name.chars().all(allowed) {
            Ok(Self(name))
        } else {
            Err(OperatorNameError)
        }
    }
}

impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_those_after_it_may() {
        for (mightier, role) in Role::ALL.into_iter().enumerate() {
            for (weaker, needed) in Role::ALL.into_iter().enumerate() {
                assert_eq!(role.may(needed), mightier <= weaker, "{role} {needed}");
            }
            assert_eq!(Role::from_number(role.number()), Some(role));
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
    }

    #[test]
    fn names_are_folded_and_odd_ones_refused() {
        let name: OperatorName = " Ada@Example.COM ".parse().expect("a name");
        assert_eq!(name.as_str(), "ada@example.com");
        for bad in ["", "a", "a b", "a\nb", "<b>", &"x".repeat(65)] {
            assert_eq!(bad.parse::<OperatorName>(), Err(OperatorNameError), "{bad:?}");
        }
    }
}
