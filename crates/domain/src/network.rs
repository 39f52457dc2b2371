//! Networks in CIDR notation, to say from where something may be used.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

/// A network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// The text names no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address or a network like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")]
pub struct NotANetwork;

impl Network {
    /// Whether the address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address),
            Err(_no_address) => text.parse().map_err(|_no_network| NotANetwork)?,
        };
        Ok(Self(canonical(network).trunc()))
    }
}

/// Networks of IPv4 that are written as IPv6 as what they are, because addresses are compared so.
fn canonical(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(network) => network
            .addr()
            .to_ipv4_mapped()
            .zip(network.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    let mapped = mapped.and_then(|(address, length)| Ipv4Net::new(address, length).ok());
    mapped.map_or(network, IpNet::V4)
}

/// As it is stored and shown: always with its length.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().expect(text)
    }

    #[test]
    fn networks_are_read_with_and_without_a_length() {
        let ip = |text: &str| text.parse::<IpAddr>().expect(text);
        assert_eq!(network("203.0.113.7").to_string(), "203.0.113.7/32");
        assert_eq!(network("203.0.113.7/24").to_string(), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.7").to_string(), "203.0.113.7/32");
        assert_eq!(network("::ffff:203.0.113.7/120").to_string(), "203.0.113.0/24");
        assert_eq!(network("::ffff:0:0/64").to_string(), "::/64");
        assert!(network("2001:db8::/32").contains(ip("2001:db8::1")));
        assert!(!network("10.0.0.0/8").contains(ip("11.0.0.1")));
        for bad in [
            "",
            "here",
            "203.0.113.7/33",
            "203.0.113",
            "203.0.113.7/24 10.0.0.1",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
    }
}
