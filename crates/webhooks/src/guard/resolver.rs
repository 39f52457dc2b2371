//! The resolver that the client dials with: it answers only addresses that may be dialled.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Blocked, Guard};

/// How long one name server may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Looks names up and leaves out what the guard does not allow.
#[derive(Clone)]
pub(crate) struct GuardedResolver {
    guard: Guard,
    /// Nothing where the system has no name servers: then addresses alone can be sent to.
    names: Option<Arc<TokioResolver>>,
}

/// Nobody can be asked for the addresses of names.
#[derive(Debug, thiserror::Error)]
#[error("the system has no name servers")]
struct NoNameServers;

impl GuardedResolver {
    /// Asks these name servers, or those of the system when there are none.
    pub(crate) fn new(guard: Guard, name_servers: &[SocketAddr]) -> Self {
        let names = match names(name_servers) {
            Ok(names) => Some(Arc::new(names)),
            Err(error) => {
                tracing::warn!(%error, "the system's name servers are not known; webhooks reach no host by its name");
                None
            }
        };
        Self { guard, names }
    }

    async fn look_up(self, name: String) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let names = self.names.as_ref().ok_or(NoNameServers)?;
        let found = names.lookup_ip(name.as_str()).await?;
        let trusted = self.guard.trusts(&name);
        let passing: Vec<SocketAddr> = found
            .iter()
            .filter(|address| trusted || self.guard.allows(*address))
            // The client puts the port of the URL in the place of 0.
            .map(|address: IpAddr| SocketAddr::new(address, 0))
            .collect();
        if passing.is_empty() {
            return Err(Blocked.into());
        }
        Ok(Box::new(passing.into_iter()))
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.clone().look_up(name.as_str().to_owned()))
    }
}

fn names(name_servers: &[SocketAddr]) -> Result<TokioResolver, NetError> {
    let mut builder = if name_servers.is_empty() {
        TokioResolver::builder_tokio()?
    } else {
        let servers = name_servers.iter().map(name_server).collect();
        let config = ResolverConfig::from_name_servers(servers);
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    bound(builder.options_mut());
    builder.build()
}

/// A lookup shall end well before the request that waits for it.
fn bound(options: &mut ResolverOpts) {
    options.timeout = options.timeout.min(TIMEOUT);
    options.attempts = options.attempts.min(2);
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
