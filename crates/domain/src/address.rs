//! Whom a message goes to or comes from: one contact is one address, however WhatsApp names it.

use std::fmt;
use std::str::FromStr;

/// A phone number in E.164: country code and national number, 15 digits at most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(u64);

/// A contact in WhatsApp's hidden-number space ("LID"), the digits before `@lid`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lid(u64);

/// A WhatsApp group, the part before `@g.us`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(String);

/// One chat partner.
///
/// Its text form is canonical: `+` and digits, `…@lid`, or `…@g.us`. A contact is named by its phone
/// number wherever that is known, so that it never appears twice.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// A person or business, by phone number.
    Phone(PhoneNumber),
    /// A person whose phone number WhatsApp does not disclose.
    Lid(Lid),
    /// A group.
    Group(GroupId),
}

/// Why a text is not an address. The text itself is never repeated: it may be a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Neither digits, nor a JID this release knows.
    #[error(
        "expected a phone number like +15551234567, a WhatsApp JID like 15551234567@s.whatsapp.net, or a group id like 120363…@g.us"
    )]
    Form,
    /// No country has this calling code.
    #[error("no country has this calling code; write the number in international form, e.g. +15551234567")]
    CountryCode,
    /// Too few or too many digits for its country.
    #[error("this number has too few or too many digits for its country")]
    Length,
}

impl PhoneNumber {
    /// One of the numbers that are set aside for fiction, for examples.
    pub const EXAMPLE: Self = Self(15_551_234_567);

    /// From the digits of an E.164 number that is known to be one, e.g. the user part of a JID.
    ///
    /// # Errors
    /// Not 5 to 15 digits without a leading zero.
    pub fn from_digits(digits: &str) -> Result<Self, AddressError> {
        let plausible = (5..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !plausible {
            return Err(AddressError::Form);
        }
        digits.parse().map(Self).map_err(|_too_long| AddressError::Form)
    }

    /// The digits, without `+`.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// The digits as a number.
    #[must_use]
    pub fn as_u64(self) -> u64 {
        self.0
    }
}

/// Strict: `+` is optional, spaces and punctuation are refused, and the country must have numbers of
/// this length (by libphonenumber's metadata).
impl FromStr for PhoneNumber {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let number = Self::from_digits(text.strip_prefix('+').unwrap_or(text))?;
        numbering::check(number)?;
        Ok(number)
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl Lid {
    /// One for examples.
    pub const EXAMPLE: Self = Self(100_000_012_345_678);

    /// From the digits before `@lid`.
    ///
    /// # Errors
    /// Not 1 to 19 digits.
    pub fn from_digits(digits: &str) -> Result<Self, AddressError> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(AddressError::Form);
        }
        digits.parse().map(Self).map_err(|_too_long| AddressError::Form)
    }

    /// The digits, without `@lid`.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Display for Lid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@lid", self.0)
    }
}

impl GroupId {
    /// From the part before `@g.us`: digits, or `digits-digits` for groups of before 2021.
    ///
    /// # Errors
    /// Anything else.
    pub fn new(user: &str) -> Result<Self, AddressError> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let well_formed = match user.split_once('-') {
            Some((creator, created)) => digits(creator) && digits(created),
            None => digits(user),
        };
        if !well_formed || user.len() > 40 {
            return Err(AddressError::Form);
        }
        Ok(Self(user.to_owned()))
    }

    /// The part before `@g.us`.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@g.us", self.0)
    }
}

/// What a caller of the API may write: E.164 with or without `+`, a JID, or a group id.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once('@') {
            None => text.parse().map(Self::Phone),
            Some((user, "s.whatsapp.net" | "c.us")) => user.parse().map(Self::Phone),
            Some((user, "lid")) => Lid::from_digits(user).map(Self::Lid),
            Some((user, "g.us")) => GroupId::new(user).map(Self::Group),
            Some(_) => Err(AddressError::Form),
        }
    }
}

impl Address {
    /// Reads the canonical text back, as [`fmt::Display`] writes it; the numbering plan is not asked again.
    ///
    /// # Errors
    /// The text is not a canonical address.
    pub fn from_canonical(text: &str) -> Result<Self, AddressError> {
        if let Some(digits) = text.strip_prefix('+') {
            return PhoneNumber::from_digits(digits).map(Self::Phone);
        }
        match text.split_once('@') {
            Some((user, "lid")) => Lid::from_digits(user).map(Self::Lid),
            Some((user, "g.us")) => GroupId::new(user).map(Self::Group),
            _ => Err(AddressError::Form),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(phone) => phone.fmt(f),
            Self::Lid(lid) => lid.fmt(f),
            Self::Group(group) => group.fmt(f),
        }
    }
}

/// By hand: phone numbers must never reach a log.
macro_rules! redacted_debug {
    ($($name:ident => $shown:literal),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($shown)
            }
        }
    )*};
}
redacted_debug!(PhoneNumber => "PhoneNumber(…)", Lid => "Lid(…)", GroupId => "GroupId(…)", Address => "Address(…)");

mod numbering {
    //! The lengths that numbers of each country have, from libphonenumber's metadata.

    use std::collections::HashMap;
    use std::sync::LazyLock;

    use phonenumber::metadata::DATABASE;

    use super::{AddressError, PhoneNumber};

    /// Calling code → bit `n` is set where national numbers of `n` digits exist.
    static LENGTHS: LazyLock<HashMap<u16, u32>> = LazyLock::new(|| {
        let mut lengths = HashMap::new();
        for region in DATABASE.iter() {
            let kinds = region.descriptors();
            // Short codes and emergency numbers are left out: they cannot be dialled from abroad.
            let dialable = [
                kinds.fixed_line(),
                kinds.mobile(),
                kinds.toll_free(),
                kinds.premium_rate(),
                kinds.shared_cost(),
                kinds.personal_number(),
                kinds.voip(),
                kinds.pager(),
                kinds.uan(),
                kinds.voicemail(),
            ];
            let known: &mut u32 = lengths.entry(region.country_code()).or_default();
            for length in dialable
                .into_iter()
                .flatten()
                .flat_map(|kind| kind.possible_length())
            {
                *known |= 1_u32.checked_shl(u32::from(*length)).unwrap_or(0);
            }
        }
        lengths
    });

    /// Calling codes are one to three digits and none is the beginning of another (ITU-T E.164).
    pub(super) fn check(number: PhoneNumber) -> Result<(), AddressError> {
        let digits = number.digits();
        let (lengths, national_length) = (1..=3)
            .find_map(|code_length| {
                let code: u16 = digits.get(..code_length)?.parse().ok()?;
                Some((*LENGTHS.get(&code)?, digits.len() - code_length))
            })
            .ok_or(AddressError::CountryCode)?;
        if lengths & (1 << national_length) == 0 {
            Err(AddressError::Length)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, AddressError> {
        text.parse::<Address>().map(|address| address.to_string())
    }

    #[test]
    fn every_accepted_form_has_one_canonical_form() {
        for text in [
            "+15551234567",
            "15551234567",
            "15551234567@s.whatsapp.net",
            "15551234567@c.us",
        ] {
            assert_eq!(canonical(text), Ok("+15551234567".to_owned()), "{text}");
        }
        assert_eq!(
            canonical("100000012345678@lid"),
            Ok("100000012345678@lid".to_owned())
        );
        assert_eq!(
            canonical("120363021033254949@g.us"),
            Ok("120363021033254949@g.us".to_owned())
        );
        assert_eq!(
            canonical("4915112345678-1400000000@g.us"),
            Ok("4915112345678-1400000000@g.us".to_owned())
        );
    }

    #[test]
    fn numbers_of_many_countries_are_possible() {
        for text in [
            "+4915112345678",
            "+442071838750",
            "+5511987654321",
            "+919876543210",
            "+6591234567",
            "+6421123456",
        ] {
            assert_eq!(canonical(text), Ok(text.to_owned()), "{text}");
        }
    }

    #[test]
    fn bad_numbers_say_why() {
        for text in [
            "",
            "+",
            "++1555",
            "abc",
            "+1 555 123 4567",
            "555@example.com",
            "@lid",
            "0155512345",
            "+1234567890123456",
            "١٢٣٤٥٦٧٨٩",
        ] {
            assert_eq!(canonical(text), Err(AddressError::Form), "{text}");
        }
        assert_eq!(canonical("+21012345678"), Err(AddressError::CountryCode));
        assert_eq!(canonical("+155512345"), Err(AddressError::Length));
        assert_eq!(canonical("+155512345678"), Err(AddressError::Length));
    }

    #[test]
    fn canonical_text_comes_back() {
        for text in ["+15551234567", "100000012345678@lid", "120363021033254949@g.us"] {
            assert_eq!(
                Address::from_canonical(text).map(|address| address.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn debug_never_shows_a_number() {
        let address: Address = "+15551234567".parse().expect("a number");
        assert!(!format!("{address:?}").contains("555"));
    }
}
