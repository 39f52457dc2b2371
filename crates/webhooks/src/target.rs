//! An endpoint made ready to be sent to: its URL judged, its headers and secrets in the form that requests need.

use postern_domain::webhook::{TargetError, WebhookTarget};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::guard::Guard;
use crate::signature::Signer;

/// Where requests go, and what every one of them carries.
pub(crate) struct Target {
    /// Judged when it was made ready; an endpoint may be older than the configuration.
    pub(crate) url: Result<Url, TargetError>,
    pub(crate) headers: HeaderMap,
    pub(crate) signer: Signer,
}

impl Target {
    /// Makes an endpoint ready.
    pub(crate) fn new(guard: &Guard, target: &WebhookTarget) -> Self {
        let headers = target.headers.iter().filter_map(|(name, value)| {
            // What cannot be a header was refused when it was stored.
            Some((
                name.parse::<HeaderName>().ok()?,
                HeaderValue::from_str(value).ok()?,
            ))
        });
        Self {
            url: guard.check(&target.url),
            headers: headers.collect(),
            signer: Signer::new(&target.secrets),
        }
    }
}
