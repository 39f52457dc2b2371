//! What a form sent.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use chrono::{NaiveDateTime, TimeDelta};
use postern_domain::Timestamp;
use url::form_urlencoded;

use crate::failure::Failure;

/// The fields of a form or a query, in the order in which they came. The guard read them; see [`crate::guard`].
#[derive(Clone, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Of a form's body, or of a query.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first of that name; empty when there is none. Without the spaces around it.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first of that name as it came; empty when there is none.
    pub(crate) fn raw(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All of that name that are not empty, without the spaces around them.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(field, _)| field == name);
        let values = found.map(|(_, value)| value.trim().to_owned());
        values.filter(|value| !value.is_empty()).collect()
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// The moment that a field for date and time tells, if it is filled in: in UTC, or where scripts run in the zone of
    /// the browser, which sends by how many minutes that is off.
    ///
    /// # Errors
    /// It is no moment.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>, ()> {
        let text = self.get(name);
        if text.is_empty() {
            return Ok(None);
        }
        let form = if text.matches(':').count() == 2 {
            "%Y-%m-%dT%H:%M:%S%.f"
        } else {
            "%Y-%m-%dT%H:%M"
        };
        let local = NaiveDateTime::parse_from_str(text, form).map_err(|_not_a_time| ())?;
        let minutes: i64 = self.get(&format!("{name}-offset")).parse().unwrap_or(0);
        let offset = TimeDelta::try_minutes(minutes.clamp(-1_440, 1_440)).ok_or(())?;
        let utc = local.checked_add_signed(offset).ok_or(())?;
        Ok(Some(Timestamp::from(utc.and_utc())))
    }

    /// The same as a query, without those that are empty and those named.
    pub(crate) fn query_without(&self, without: &[&str]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.0 {
            if !value.is_empty() && !without.contains(&name.as_str()) {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

impl FromIterator<(&'static str, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(fields: I) -> Self {
        Self(
            fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }
}

/// By hand: fields may be passwords and texts.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name).collect();
        write!(f, "Fields({names:?})")
    }
}

impl FromRequest for Fields {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let sent = request.extensions().get().cloned();
        ready(Ok(
            sent.unwrap_or_else(|| Self::parse(request.query_string().as_bytes()))
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_utc_unless_the_browser_says_how_far_it_is_off() {
        let moment = |query: &str| {
            let moment = Fields::parse(query.as_bytes()).moment("at");
            moment.map(|at| at.map(Timestamp::to_rfc3339))
        };
        assert_eq!(moment("at="), Ok(None));
        let utc = Ok(Some("2026-12-01T09:00:00.000Z".to_owned()));
        assert_eq!(moment("at=2026-12-01T09:00"), utc);
        assert_eq!(moment("at=2026-12-01T09:00:00"), utc);
        assert_eq!(moment("at=2026-12-01T10:00&at-offset=-60"), utc);
        assert_eq!(moment("at=tomorrow"), Err(()));
    }

    #[test]
    fn fields_are_read_and_written() {
        let fields = Fields::parse(b"q=a%20b&empty=&q=second&page=7");
        assert_eq!(fields.get("q"), "a b");
        assert_eq!(fields.get("missing"), "");
        assert_eq!(fields.all("q"), ["a b", "second"]);
        assert!(fields.ticked("page") && !fields.ticked("empty"));
        assert_eq!(fields.query_without(&["page"]), "q=a+b&q=second");
        assert!(!format!("{fields:?}").contains("a b"));
    }
}
