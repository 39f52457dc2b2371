//! `postern sandbox`: only the simulated network, for daemons that run elsewhere on this machine.

use postern_sandbox::{Sandbox, SandboxConfig};

use crate::cli::SandboxCommand;
use crate::config::LogConfig;
use crate::logging;
use crate::serve::asked_to_stop;

/// Runs the network until it is asked to stop.
pub(crate) async fn command(flags: SandboxCommand) -> anyhow::Result<()> {
    logging::start(&LogConfig::plain(flags.log_format, "info"), None)?;
    let network = Sandbox::start(SandboxConfig {
        listen: flags.listen,
        state_dir: flags.state_dir,
    })
    .await?;
    print_addresses(&network);
    asked_to_stop().await?;
    network.stop().await;
    Ok(())
}

/// Says where the network is and how to verify its certificates.
pub(crate) fn print_addresses(network: &Sandbox) {
    println!("sandbox control at {}", network.control_url());
    println!("sandbox root key   {}", hex::encode(network.root_key()));
    println!("sandbox listening on {}", network.websocket_url());
}
