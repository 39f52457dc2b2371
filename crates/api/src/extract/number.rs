//! Whole numbers as JSON has them: `3.0` is one, too.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A whole number from 0 to 4294967295.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    checked(f64::deserialize(deserializer)?)
}

/// The same, or `null`.
pub(crate) fn maybe_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = Option::<f64>::deserialize(deserializer)?;
    number.map(checked).transpose()
}

/// The same where `null` is something else than nothing at all.
pub(crate) fn given_whole<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u32>>, D::Error> {
    maybe_whole(deserializer).map(Some)
}

fn checked<E: Error>(number: f64) -> Result<u32, E> {
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    if !is_whole {
        return Err(E::custom("must be a whole number, not negative"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "just checked"
    )]
    let whole = number as u32;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        let read = |value: Value| whole(value).map_err(|error: serde_json::Error| error.to_string());
        for (value, number) in [(json!(3), 3), (json!(3.0), 3), (json!(4e9), 4_000_000_000)] {
            assert_eq!(read(value), Ok(number));
        }
        for value in [
            json!(3.5),
            json!(-1),
            json!(4_294_967_296_u64),
            json!("3"),
            json!(null),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
        assert!(matches!(maybe_whole(json!(null)), Ok(None)));
        assert!(matches!(given_whole(json!(null)), Ok(Some(None))));
    }
}
