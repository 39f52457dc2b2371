//! Starting and stopping a sandbox.

use std::collections::HashMap;
use std::net::SocketAddr;

use actix_web::web;

use crate::certificate::ServerKeys;
use crate::config::{SandboxConfig, StartError};
use crate::network::Network;
use crate::server::{self, Running};
use crate::snapshot::StateFile;

/// A running simulated network. Dropping it ends it, without waiting for it to save its state.
pub struct Sandbox {
    network: web::Data<Network>,
    server: Running,
}

impl Sandbox {
    /// Starts a sandbox on a thread of its own; works in any runtime.
    ///
    /// # Errors
    /// The address is not loopback or cannot be bound, or the saved state cannot be used.
    pub async fn start(config: SandboxConfig) -> Result<Self, StartError> {
        if !config.listen.ip().is_loopback() {
            return Err(StartError::NotLoopback(config.listen));
        }
        let state_file = config
            .state_dir
            .as_deref()
            .map(StateFile::in_directory)
            .transpose()?;
        let network = match &state_file {
            Some(file) => file.load()?,
            None => Network::new(ServerKeys::generate()?, HashMap::new(), Vec::new()),
        };
        let network = web::Data::new(network);
        let server = server::start(network.clone(), config.listen, state_file).await?;
        tracing::info!(
            address = %server.address,
            root_key = hex::encode(network.root_key()),
            "the sandbox listens"
        );
        Ok(Self { network, server })
    }

    /// Where it listens, with the port that was picked.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.server.address
    }

    /// Where clients connect to.
    #[must_use]
    pub fn websocket_url(&self) -> String {
        format!("ws://{}/ws/chat", self.server.address)
    }

    /// Where people are played, without a slash at the end.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}{}", self.server.address, crate::control::ROOT)
    }

    /// The public key that its certificate chain ends at. A client that can be told which root to
    /// trust needs this one.
    #[must_use]
    pub fn root_key(&self) -> [u8; 32] {
        self.network.root_key()
    }

    /// Ends every connection, saves the state, and returns when the port is free.
    pub async fn stop(mut self) {
        self.network.stopping.cancel();
        // An error means that the thread has ended already.
        drop((&mut self.server.ended).await);
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.network.stopping.cancel();
    }
}
