//! Where a request comes from: the client behind a trusted proxy, and the page that made the browser send it.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{self, HeaderMap};
use postern_domain::Network;
use url::Url;

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// The client's own address.
    pub(crate) address: IpAddr,
    /// It talks TLS, to the proxy in front.
    pub(crate) secure: bool,
    /// The host and port it asked for.
    pub(crate) host: Option<String>,
}

impl Client {
    /// What a peer says of whom it speaks for counts only when it is one of `trusted`.
    pub(crate) fn of(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)).to_canonical();
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let host = text(headers, "host").map(str::to_owned);
        if !is_trusted(peer) {
            return Self {
                address: peer,
                secure: false,
                host,
            };
        }
        let secure =
            last(headers, "x-forwarded-proto").is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
        // Each proxy appends whom it heard it from; the last one that is not a proxy of ours is the client.
        let address = all(headers, "x-forwarded-for")
            .rev()
            .map_while(|address| address.parse::<IpAddr>().ok())
            .map(|address| address.to_canonical())
            .find(|address| !is_trusted(*address));
        Self {
            address: address.unwrap_or(peer),
            secure,
            host: last(headers, "x-forwarded-host").map(str::to_owned).or(host),
        }
    }

    /// Where the client reaches the gateway, as far as is known.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host.as_deref().unwrap_or("localhost"))
    }
}

/// Whether a request that changes something was made by another site's page, or by who knows what: a browser says in
/// `Origin` which page sent a form.
pub(crate) fn from_elsewhere(headers: &HeaderMap, client: &Client) -> bool {
    let Some(origin) = text(headers, header::ORIGIN.as_str()) else {
        return text(headers, "sec-fetch-site") != Some("same-origin");
    };
    let (Ok(origin), Some(host)) = (Url::parse(origin), &client.host) else {
        return true;
    };
    let scheme = if client.secure { "https" } else { "http" };
    let asked = Url::parse(&format!("{scheme}://{host}"));
    // A proxy with TLS that is not trusted does not tell us so: there the scheme says nothing.
    let same_host = asked.is_ok_and(|asked| {
        asked.host() == origin.host()
            && (asked.port() == origin.port()
                || asked.port_or_known_default() == origin.port_or_known_default())
    });
    !same_host || (client.secure && origin.scheme() != "https")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    let values: Vec<&str> = headers
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .collect();
    values.into_iter()
}

fn last<'a>(headers: &'a HeaderMap, name: &'a str) -> Option<&'a str> {
    all(headers, name).next_back()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_str(value).expect("a header");
            headers.append(HeaderName::from_static(name), value);
        }
        headers
    }

    fn client(peer: &str, pairs: &[(&'static str, &str)]) -> Client {
        let trusted = ["10.0.0.0/8".parse().expect("a net")];
        Client::of(peer.parse().ok(), &headers(pairs), &trusted)
    }

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let forwarded = [
            ("x-forwarded-for", "192.0.2.9, 192.0.2.7, 10.0.0.2"),
            ("x-forwarded-proto", "https"),
        ];
        let behind = client("10.0.0.1", &forwarded);
        assert_eq!(
            (behind.address.to_string(), behind.secure),
            ("192.0.2.7".to_owned(), true)
        );
        let liar = client("198.51.100.1", &forwarded);
        assert_eq!(
            (liar.address.to_string(), liar.secure),
            ("198.51.100.1".to_owned(), false)
        );
        assert_eq!(client("10.0.0.1", &[]).address.to_string(), "10.0.0.1");
        assert_eq!(
            client("10.0.0.1", &[("x-forwarded-for", "junk")])
                .address
                .to_string(),
            "10.0.0.1"
        );
    }

    #[test]
    fn forms_of_other_pages_are_told_apart() {
        let cases = [
            (
                vec![("host", "localhost:8480"), ("origin", "http://localhost:8480")],
                false,
            ),
            (
                vec![("host", "gate.example"), ("origin", "https://gate.example")],
                false,
            ),
            (
                vec![("host", "localhost:8480"), ("origin", "http://localhost:9999")],
                true,
            ),
            (
                vec![("host", "localhost:8480"), ("origin", "http://evil.example")],
                true,
            ),
            (
                vec![
                    ("host", "gate.example"),
                    ("origin", "https://gate.example.evil.example"),
                ],
                true,
            ),
            (vec![("host", "localhost:8480"), ("origin", "null")], true),
            (vec![("host", "localhost:8480")], true),
            (
                vec![("host", "localhost:8480"), ("sec-fetch-site", "cross-site")],
                true,
            ),
            (
                vec![("host", "localhost:8480"), ("sec-fetch-site", "same-origin")],
                false,
            ),
        ];
        for (pairs, elsewhere) in cases {
            let client = client("192.0.2.1", &pairs);
            assert_eq!(from_elsewhere(&headers(&pairs), &client), elsewhere, "{pairs:?}");
        }
        let plain = [
            ("host", "gate.example"),
            ("origin", "http://gate.example"),
            ("x-forwarded-proto", "https"),
        ];
        assert!(from_elsewhere(&headers(&plain), &client("10.0.0.1", &plain)));
    }
}
