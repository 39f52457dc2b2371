//! Addresses for what is named before it is there: a command on a page says where the daemon of the line above it answers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::Context as _;

/// Addresses that nothing else asks for.
pub(super) struct Addresses {
    pub(super) api: String,
    pub(super) sandbox: String,
    pub(super) metrics: String,
    /// Of the API of a daemon in a container.
    pub(super) container: String,
}

/// Below the ports that systems give to who asks for any.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

impl Addresses {
    /// Takes some that are free now and stay so: loopback has 16 million addresses, and this process has one of its own.
    pub(super) fn reserve() -> anyhow::Result<Self> {
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let host = Ipv4Addr::new(127, 64 | high & 63, middle, low);
        let free = || {
            static NEXT: AtomicU16 = AtomicU16::new(PORTS.start);
            let ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
            let ports = ports.take_while(|port| PORTS.contains(port));
            let address = ports
                .map(|port| SocketAddr::from((host, port)))
                .find(|address| TcpListener::bind(address).is_ok());
            Ok::<_, anyhow::Error>(address.context("no port is free")?.to_string())
        };
        Ok(Self {
            api: free()?,
            sandbox: free()?,
            metrics: free()?,
            container: free()?,
        })
    }
}
