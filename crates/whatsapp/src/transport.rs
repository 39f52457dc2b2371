//! The client's way to the server: one WebSocket over a socket without Nagle's delay, to admitted addresses only.
//!
//! The client's own transport leaves Nagle's algorithm on, which costs 44 ms wherever an answer waits for a
//! delayed acknowledgement. The address is checked here, after name resolution and right before it is
//! dialled, so that no name can lead a fooled client off this machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_websockets::{ClientBuilder, Connector};
use url::{Host, Url};
use wacore::net::WHATSAPP_WEB_ORIGIN;
use whatsapp_rust::async_channel::Receiver;
use whatsapp_rust::transport::{Transport, TransportEvent, TransportFactory};
use whatsapp_rust_tokio_transport::{default_tls_connector, from_websocket};

use crate::guard::ChainTrust;

/// How to reach the server; shared by all sessions.
#[derive(Debug)]
pub(crate) struct Route {
    trust: ChainTrust,
    url: Url,
    connector: Connector,
    deadline: Duration,
}

impl Route {
    /// `url` is `ws` or `wss` and names a host. One TLS configuration serves every session.
    pub(crate) fn new(trust: ChainTrust, url: Url, deadline: Duration) -> Self {
        let connector = if url.scheme() == "wss" {
            default_tls_connector()
        } else {
            Connector::Plain
        };
        Self {
            trust,
            url,
            connector,
            deadline,
        }
    }

    async fn dial(&self) -> anyhow::Result<TcpStream> {
        let port = self
            .url
            .port_or_known_default()
            .context("the URL names no port")?;
        let mut last_failure = anyhow!("the server's name has no address");
        for address in lookup_host((self.host_name()?, port)).await? {
            if let Err(refused) = self.trust.admit_address(address.ip()) {
                last_failure = refused.into();
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(socket);
                }
                Err(failure) => last_failure = failure.into(),
            }
        }
        Err(last_failure)
    }

    /// Without the brackets that a URL writes around an IPv6 address.
    fn host_name(&self) -> anyhow::Result<String> {
        Ok(match self.url.host().context("the URL names no host")? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        })
    }

    async fn connect(&self) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
        let socket = self.dial().await?;
        let stream = self.connector.wrap(&self.host_name()?, socket).await?;
        let (websocket, _upgrade) = ClientBuilder::new()
            .uri(self.url.as_str())?
            .add_header("origin".parse()?, WHATSAPP_WEB_ORIGIN.parse()?)?
            .connect_on(stream)
            .await?;
        Ok(from_websocket(websocket))
    }
}

/// Dials for one session, and tells it that a connection before this one is gone.
pub(crate) struct Dialer<F> {
    pub(crate) route: Arc<Route>,
    /// Called before each dial: some endings of a connection are reported by nothing else.
    pub(crate) on_dial: F,
}

#[async_trait]
impl<F: Fn() + Send + Sync> TransportFactory for Dialer<F> {
    async fn create_transport(&self) -> anyhow::Result<(Arc<dyn Transport>, Receiver<TransportEvent>)> {
        (self.on_dial)();
        timeout(self.route.deadline, self.route.connect())
            .await
            .map_err(|_elapsed| anyhow!("connecting took longer than {:?}", self.route.deadline))?
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn route(trust: ChainTrust, url: &str) -> Route {
        Route::new(trust, Url::parse(url).expect("a URL"), Duration::from_millis(300))
    }

    async fn failure(trust: ChainTrust, url: &str) -> String {
        let dialer = Dialer {
            route: Arc::new(route(trust, url)),
            on_dial: || {},
        };
        dialer
            .create_transport()
            .await
            .err()
            .expect("a failure")
            .to_string()
    }

    #[tokio::test]
    async fn a_fooled_client_dials_no_address_off_this_machine() {
        for url in ["ws://192.0.2.1:9/", "wss://192.0.2.1/", "ws://[2001:db8::1]:9/"] {
            let why = failure(ChainTrust::Fooled, url).await;
            assert!(why.contains("loopback"), "{url}: {why}");
        }
    }

    #[tokio::test]
    async fn sockets_are_dialled_without_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let socket = route(ChainTrust::Fooled, &format!("ws://localhost:{port}/"))
            .dial()
            .await
            .expect("a socket");
        assert!(socket.nodelay().expect("a flag"));
    }

    #[tokio::test]
    async fn the_upgrade_names_whatsapps_origin() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("ws://127.0.0.1:{port}/ws/chat");
        let request = tokio::join!(failure(ChainTrust::Verified, &url), async {
            let (mut peer, _) = listener.accept().await.expect("a connection");
            let mut request = vec![0; 2048];
            let length = peer.read(&mut request).await.expect("a request");
            peer.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                .await
                .expect("written");
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        })
        .1;
        assert!(request.starts_with("get /ws/chat"), "{request}");
        assert!(
            request.contains("origin: https://web.whatsapp.com\r\n"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn a_silent_server_does_not_hold_the_client_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let why = failure(ChainTrust::Verified, &format!("ws://127.0.0.1:{port}/")).await;
        assert!(why.contains("longer"), "{why}");
    }
}
