//! Query parameters: every one is known, given once, and named when it is not acceptable.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::ops::RangeInclusive;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::DateTime;
use postern_domain::{Address, Timestamp};
use url::form_urlencoded;

use crate::errors::{ApiError, FieldError};

/// The query parameters of a request.
pub(crate) struct Query<T>(pub(crate) T);

/// Something that is read from query parameters.
pub(crate) trait FromQuery: Sized + 'static {
    /// Takes every parameter it knows; what is left over is refused.
    fn from_query(fields: &mut QueryFields) -> Self;
}

impl<T: FromQuery> FromRequest for Query<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

/// Parses the part of an address after the `?`.
pub(crate) fn parse<T: FromQuery>(query: &str) -> Result<T, ApiError> {
    let mut fields = QueryFields::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let name = name.into_owned();
        if fields.values.insert(name.clone(), value.into_owned()).is_some() {
            fields.errors.push(FieldError::new(name, "is given twice"));
        }
    }
    let parsed = T::from_query(&mut fields);
    for name in fields.values.into_keys() {
        fields
            .errors
            .push(FieldError::new(name, "is not a known query parameter"));
    }
    if fields.errors.is_empty() {
        Ok(parsed)
    } else {
        Err(ApiError::fields(fields.errors))
    }
}

/// Parameters that were not taken yet, and what was wrong with those that were.
#[derive(Debug, Default)]
pub(crate) struct QueryFields {
    values: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl QueryFields {
    /// A parameter that `read` understands, or explains why not.
    pub(crate) fn take<T, E: ToString>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.values.remove(name)?;
        read(&value)
            .map_err(|why| self.errors.push(FieldError::new(name, why.to_string())))
            .ok()
    }

    /// Refuses a parameter for a reason that is not in it alone.
    pub(crate) fn refuse(&mut self, name: &str, why: &str) {
        self.errors.push(FieldError::new(name, why));
    }

    /// An id, or another word with rules of its own.
    pub(crate) fn id<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Option<T> {
        self.take(name, str::parse)
    }

    /// One of some names.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        self.take(name, |value| {
            let chosen = choices.iter().find(|(choice, _)| *choice == value);
            chosen.map(|(_, meaning)| *meaning).ok_or_else(|| {
                let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
                format!("must be one of {}", names.join(", "))
            })
        })
    }

    /// A whole number in a range.
    pub(crate) fn number(&mut self, name: &str, range: RangeInclusive<u32>) -> Option<u32> {
        self.take(name, |value| {
            let number = value.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// `true` or `false`; `false` when it is left out.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let choices = [("true", true), ("false", false)];
        self.one_of(name, &choices).unwrap_or(false)
    }

    /// A chat partner. A `+` that was not percent-encoded arrives as a space.
    pub(crate) fn address(&mut self, name: &str) -> Option<Address> {
        self.take(name, |value| value.replacen(' ', "+", 1).parse::<Address>())
    }

    /// A point in time. A `+` that was not percent-encoded arrives as a space.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, |value| {
            DateTime::parse_from_rfc3339(&value.replace(' ', "+"))
                .map(|time| Timestamp::from(time.to_utc()))
                .map_err(|_why| "must be a time in RFC 3339 with an offset, e.g. 2026-12-01T09:00:00Z")
        })
    }
}
