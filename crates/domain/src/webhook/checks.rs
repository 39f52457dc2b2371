//! What an owner may set of an endpoint: each field is checked, and all that are not acceptable are named at once.

use std::collections::BTreeMap;

use super::{EventTypes, WebhookProbe};
use crate::{DeviceId, EventType, FieldProblem};

/// Stands for every type of event, also those of later releases.
pub const EVERY_TYPE: &str = "*";
/// The longest URL, in bytes.
const MAX_URL: usize = 2_048;
/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 200;
/// The most devices one endpoint can be limited to.
const MOST_DEVICES: usize = 100;
/// The most headers.
const MOST_HEADERS: usize = 20;
/// The longest name of a header, in bytes.
const MAX_HEADER_NAME: usize = 100;
/// The longest value of a header, in bytes.
const MAX_HEADER_VALUE: usize = 1_024;
/// The most deliveries a minute that can be set.
const MOST_A_MINUTE: u32 = 60_000;

/// Headers that belong to the connection or to the gateway.
const RESERVED: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// The headers of Standard Webhooks.
const RESERVED_PREFIX: &str = "webhook-";

/// What was found wrong so far.
///
/// A field that is not acceptable is read as something that is, and reported at the end. What has more parts than it may
/// have is not looked at any further: that could be a lot of work.
#[derive(Debug, Default)]
pub struct WebhookChecks(Vec<FieldProblem>);

impl WebhookChecks {
    /// Whether everything was acceptable.
    ///
    /// # Errors
    /// Every field that is not.
    pub fn done(self) -> Result<(), Vec<FieldProblem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }

    /// Says of a field that it is not acceptable.
    pub fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldProblem::new(field, message));
    }

    /// At most 2 048 bytes, and what the configuration allows.
    pub fn url(&mut self, url: &str, probe: &dyn WebhookProbe) {
        if url.len() > MAX_URL {
            self.refuse("url", format!("must have at most {MAX_URL} bytes"));
        } else if let Err(why) = probe.check(url) {
            self.refuse("url", why.to_string());
        }
    }

    /// At most 200 characters; answers it without the spaces around it.
    pub fn description(&mut self, text: &str) -> String {
        if text.chars().count() > MAX_DESCRIPTION {
            self.refuse(
                "description",
                format!("must have at most {MAX_DESCRIPTION} characters"),
            );
        } else if text.chars().any(char::is_control) {
            self.refuse("description", "must not contain control characters");
        }
        text.trim().to_owned()
    }

    /// Names of types, at least one and no more than there are; [`EVERY_TYPE`] alone is all of them.
    pub fn event_types(&mut self, names: &[String]) -> EventTypes {
        if names == [EVERY_TYPE] {
            return EventTypes::ALL;
        }
        if names.is_empty() {
            self.refuse("eventTypes", "must name a type of events, or be [\"*\"] for all");
        } else if names.len() > EventType::ALL.len() {
            let message = format!("must name at most {} types", EventType::ALL.len());
            self.refuse("eventTypes", message);
            return EventTypes::ALL;
        }
        let mut chosen = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match name.parse() {
                Ok(kind) => chosen.push(kind),
                Err(()) if name == EVERY_TYPE => {
                    self.refuse(
                        format!("eventTypes[{index}]"),
                        "\"*\" is every type and stands alone",
                    );
                }
                Err(()) => self.refuse(format!("eventTypes[{index}]"), not_a_type()),
            }
        }
        EventTypes::only(chosen)
    }

    /// Ids of 1 to 100 devices; whether there are such devices is not looked at.
    pub fn devices(&mut self, ids: &[String]) -> Vec<DeviceId> {
        if ids.is_empty() || ids.len() > MOST_DEVICES {
            let message = format!("must name 1 to {MOST_DEVICES} devices; null is all of the workspace");
            self.refuse("deviceIds", message);
            return Vec::new();
        }
        let mut devices = Vec::new();
        for (index, id) in ids.iter().enumerate() {
            match id.parse() {
                Ok(id) if devices.contains(&id) => {}
                Ok(id) => devices.push(id),
                Err(why) => {
                    let why: crate::IdError = why;
                    self.refuse(format!("deviceIds[{index}]"), why.to_string());
                }
            }
        }
        devices
    }

    /// Refuses those of the chosen devices that the workspace does not have.
    pub fn known_devices(&mut self, chosen: &[DeviceId], unknown: &[DeviceId]) {
        for (index, id) in chosen.iter().enumerate() {
            if unknown.contains(id) {
                let message = "there is no device with this id in your workspace";
                self.refuse(format!("deviceIds[{index}]"), message);
            }
        }
    }

    /// At most 20, none of them of the connection or of the gateway.
    pub fn headers(&mut self, headers: BTreeMap<String, String>) -> Vec<(String, String)> {
        if headers.len() > MOST_HEADERS {
            self.refuse("headers", format!("must have at most {MOST_HEADERS} fields"));
            return Vec::new();
        }
        let mut seen = Vec::new();
        for (name, value) in &headers {
            let lower = name.to_ascii_lowercase();
            let complaint = header_name(&lower)
                .or_else(|| seen.contains(&lower).then(|| "is given twice".to_owned()))
                .or_else(|| header_value(value));
            if let Some(message) = complaint {
                self.refuse(format!("headers.{name}"), message);
            }
            seen.push(lower);
        }
        headers.into_iter().collect()
    }

    /// 1 to 60 000 deliveries a minute.
    pub fn rate_cap(&mut self, rate: Option<u32>) -> Option<u32> {
        if rate.is_some_and(|rate| !(1..=MOST_A_MINUTE).contains(&rate)) {
            let message = format!("must be a whole number from 1 to {MOST_A_MINUTE}; null is no limit");
            self.refuse("rateCap", message);
        }
        rate
    }

    /// Whether the challenge is to be skipped, where the configuration allows that.
    pub fn skip_verification(&mut self, skip: bool, allowed: bool) -> bool {
        if skip && !allowed {
            self.refuse(
                "skipVerification",
                "the configuration of the gateway does not allow it",
            );
        }
        skip
    }
}

/// Why a text is not the name of a type of events.
#[must_use]
pub fn not_a_type() -> String {
    let names = EventType::ALL.map(EventType::name);
    format!("must be one of {}", names.join(", "))
}

/// What is wrong with the name of a header, in small letters.
fn header_name(name: &str) -> Option<String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_HEADER_NAME || !name.bytes().all(is_token) {
        return Some(format!(
            "is not the name of a header: 1 to {MAX_HEADER_NAME} letters, digits and dashes"
        ));
    }
    let reserved = RESERVED.contains(&name) || name.starts_with(RESERVED_PREFIX);
    reserved.then(|| "belongs to the connection or to the gateway and cannot be set".to_owned())
}

/// What is wrong with the value of a header.
fn header_value(value: &str) -> Option<String> {
    if value.is_empty() || value.len() > MAX_HEADER_VALUE {
        return Some(format!("must have 1 to {MAX_HEADER_VALUE} bytes"));
    }
    let visible = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let fits = visible && value.trim() == value;
    (!fits).then(|| "must be visible ASCII without spaces around it".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&str, &str)]) -> Vec<String> {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut checks = WebhookChecks::default();
        checks.headers(headers.collect());
        checks.0.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn headers_of_the_connection_and_the_gateway_are_not_to_be_set() {
        let ours = [
            "Host",
            "webhook-id",
            "Webhook-Signature",
            "WEBHOOK-X",
            "Transfer-Encoding",
            "TE",
            "Content-Type",
        ];
        for name in ours {
            assert_eq!(refused(&[(name, "x")]), [format!("headers.{name}")]);
        }
        for name in ["", "a b", "a:b", "naïve", "x\r\ny", &"x".repeat(101)] {
            assert_eq!(refused(&[(name, "x")]), [format!("headers.{name}")]);
        }
        for value in ["", " x", "x ", "a\r\nb: c", "a\0", "é", &"x".repeat(1_025)] {
            assert_eq!(refused(&[("X-A", value)]), ["headers.X-A"], "{value:?}");
        }
        assert_eq!(refused(&[("X-A", "1"), ("x-a", "2")]), ["headers.x-a"]);
        let fine = [
            ("Authorization", "Bearer a b=="),
            ("X-Tenant", "7"),
            ("x_y", &"x".repeat(1_024)),
        ];
        assert!(refused(&fine).is_empty());
        let many: Vec<_> = (0..21).map(|number| format!("X-{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(refused(&many), ["headers"]);
        assert!(refused(&many[..20]).is_empty());
    }

    #[test]
    fn too_many_of_anything_is_one_problem_whatever_they_are() {
        let many = vec![String::new(); 100_000];
        let mut checks = WebhookChecks::default();
        checks.event_types(&many);
        checks.devices(&many);
        checks.headers(
            (0..100_000)
                .map(|number| (number.to_string(), String::new()))
                .collect(),
        );
        let fields: Vec<_> = checks.0.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["eventTypes", "deviceIds", "headers"]);
    }
}
