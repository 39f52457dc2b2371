//! What the configuration allows although it is not public: networks, addresses, and hosts by their names.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

use super::address::plain;

/// One entry of the list of what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every address of a network, or one address.
    Network(IpNet),
    /// Whatever a host of this name resolves to.
    Host(String),
}

/// An entry is neither a network, nor an address, nor the name of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither a network like 10.0.0.0/8, nor an address, nor the name of a host")]
pub struct NotAllowable;

impl FromStr for Allowed {
    type Err = NotAllowable;

    fn from_str(text: &str) -> Result<Self, NotAllowable> {
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if is_name(&name) => Ok(Self::Host(canonical(&name))),
            _ => Err(NotAllowable),
        }
    }
}

impl Allowed {
    /// Whether it allows this address, whatever name led there.
    pub(super) fn allows_address(&self, address: IpAddr) -> bool {
        match self {
            Self::Network(network) => network.contains(&address) || network.contains(&plain(address)),
            Self::Host(_) => false,
        }
    }

    /// Whether it allows whatever this name leads to.
    pub(super) fn allows_name(&self, name: &str) -> bool {
        matches!(self, Self::Host(host) if *host == canonical(name))
    }
}

/// The name without its case and the dot that may end it.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_name(name: &str) -> bool {
    let labels = canonical(name);
    labels.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    })
}
