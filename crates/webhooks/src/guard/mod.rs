//! Keeps requests to webhooks away from addresses that only this machine and its network can reach.
//!
//! Whoever may register a webhook chooses where the daemon sends requests to, so a URL is judged twice. When it is registered
//! and before every request, what it says: its scheme, its credentials, and its host where that is an address, in whatever
//! notation, because [`Url`] reads all of them as a browser does. And when a connection is made, where it leads: the client
//! dials what [`GuardedResolver`] answers and nothing else, and that leaves out every address that is not allowed. So a name
//! that leads to a public address when it is asked and to a private one when it is dialled gains nothing.
//!
//! Every port may be dialled: endpoints lie on all of them.

mod address;
mod allow;
mod resolver;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::webhook::TargetError;
use url::{Host, Url};

pub use self::allow::{Allowed, NotAllowable};
pub(crate) use self::resolver::GuardedResolver;

/// What requests may be sent to. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Guard(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    allowed: Vec<Allowed>,
    allow_http: bool,
}

/// An address or a name may not be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the configuration does not allow this address")]
pub(crate) struct Blocked;

impl Guard {
    /// Lets through what is public, and what `allowed` says.
    pub(crate) fn new(allowed: Vec<Allowed>, allow_http: bool) -> Self {
        Self(Arc::new(Rules { allowed, allow_http }))
    }

    /// Judges what a URL says; looks no names up.
    pub(crate) fn check(&self, text: &str) -> Result<Url, TargetError> {
        let url = Url::parse(text).map_err(|_not_absolute| TargetError::Malformed)?;
        match url.scheme() {
            "https" => {}
            "http" if self.0.allow_http => {}
            _ => return Err(TargetError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        let passes = match url.host().ok_or(TargetError::Malformed)? {
            Host::Ipv4(address) => self.allows(address.into()),
            Host::Ipv6(address) => self.allows(address.into()),
            Host::Domain(name) => self.trusts(name) || !is_local(name),
        };
        if passes {
            Ok(url)
        } else {
            Err(TargetError::Blocked)
        }
    }

    /// Whether this address may be dialled.
    fn allows(&self, address: IpAddr) -> bool {
        let allowed = &self.0.allowed;
        address::is_public(address) || allowed.iter().any(|entry| entry.allows_address(address))
    }

    /// Whether whatever this name leads to may be dialled.
    fn trusts(&self, name: &str) -> bool {
        self.0.allowed.iter().any(|entry| entry.allows_name(name))
            || (is_local(name) && self.allows(std::net::Ipv4Addr::LOCALHOST.into()))
    }
}

/// Whether a name is this machine by definition (RFC 6761). It is told at once, rather than at the first delivery.
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.eq_ignore_ascii_case("localhost")
}
