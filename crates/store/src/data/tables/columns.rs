//! How values of the domain lie in columns, and what is said when a column holds something else.

use postern_domain::{Address, ClientReference, Lid, PhoneNumber, Timestamp};
use rusqlite::Row;

use crate::StoreError;

/// A column holds what this release cannot read.
pub(super) fn unreadable(what: &'static str) -> StoreError {
    StoreError::Invalid {
        what,
        reason: "not a value this release knows".to_owned(),
    }
}

/// An id by its 16 bytes: `id(row, 0, DeviceId::from_bytes)`.
pub(super) fn id<T>(row: &Row<'_>, column: usize, from_bytes: fn([u8; 16]) -> T) -> Result<T, StoreError> {
    Ok(from_bytes(row.get(column)?))
}

/// An enum by its stored number.
pub(super) fn number<T>(
    row: &Row<'_>,
    column: usize,
    what: &'static str,
    from_number: fn(u8) -> Option<T>,
) -> Result<T, StoreError> {
    from_number(row.get(column)?).ok_or_else(|| unreadable(what))
}

/// A time.
pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

/// A time that may be missing.
pub(super) fn optional_time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
}

/// An address in its canonical text.
pub(in crate::data) fn address(text: &str) -> Result<Address, StoreError> {
    Address::from_canonical(text).map_err(|_not_canonical| unreadable("a stored address"))
}

/// A caller's reference that may be missing.
pub(super) fn optional_reference(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<ClientReference>, StoreError> {
    let text = row
        .get_ref(column)?
        .as_str_or_null()
        .map_err(|_not_text| unreadable("a stored reference"))?;
    text.map(str::parse)
        .transpose()
        .map_err(|_not_a_reference| unreadable("a stored reference"))
}

/// A phone number; 15 digits always fit.
pub(super) fn phone_column(phone: PhoneNumber) -> i64 {
    phone.as_u64().cast_signed()
}

/// A phone number that may be missing.
pub(super) fn optional_phone(row: &Row<'_>, column: usize) -> Result<Option<PhoneNumber>, StoreError> {
    row.get::<_, Option<i64>>(column)?
        .map(|digits| PhoneNumber::from_digits(&digits.to_string()))
        .transpose()
        .map_err(|_not_a_number| unreadable("a stored phone number"))
}

/// A number of the hidden-number space, up to 64 bits without a sign.
pub(super) fn lid_column(lid: Lid) -> Result<i64, StoreError> {
    let digits: u64 = lid
        .digits()
        .parse()
        .map_err(|_not_a_number| unreadable("a hidden number"))?;
    Ok(digits.cast_signed())
}

/// A number of the hidden-number space that may be missing.
pub(super) fn optional_lid(row: &Row<'_>, column: usize) -> Result<Option<Lid>, StoreError> {
    row.get::<_, Option<i64>>(column)?
        .map(|bits| Lid::from_digits(&bits.cast_unsigned().to_string()))
        .transpose()
        .map_err(|_not_a_number| unreadable("a stored hidden number"))
}

/// A place in a log, for SQL. Places are rowids, so they always fit.
pub(super) fn place(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// How many rows, for SQL.
pub(super) fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
