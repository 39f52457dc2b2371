//! What a form sent.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
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

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
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
    fn fields_are_read_and_written() {
        let fields = Fields::parse(b"q=a%20b&empty=&q=second&page=7");
        assert_eq!(fields.get("q"), "a b");
        assert_eq!(fields.get("missing"), "");
        assert!(fields.ticked("page") && !fields.ticked("empty"));
        assert_eq!(fields.query_without(&["page"]), "q=a+b&q=second");
        assert!(!format!("{fields:?}").contains("a b"));
    }
}
