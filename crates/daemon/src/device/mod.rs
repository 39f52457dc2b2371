//! `postern device …`: manages the devices of a running daemon over its REST API.
//!
//! A verb finds the device by its id or name, makes one call, and follows the device until what was asked for has
//! happened, because the API only promises that it will. Results go to standard output, advice and errors to
//! standard error.

mod add;
mod advice;
mod client;
mod failure;
mod find;
mod follow;
mod list;
mod logout;
mod model;
mod pair;
mod pause;
mod reconnect;
mod remove;
mod resume;
mod screen;
mod show;
mod table;

use self::client::Client;
pub(crate) use self::failure::WrongUsage;
use crate::cli::{DeviceCommand, DeviceVerb};

/// Runs one verb against the daemon that flags and `environment` name.
pub(crate) async fn command(flags: DeviceCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    match flags.verb {
        DeviceVerb::List(flags) => list::run(&client, &flags).await,
        DeviceVerb::Add(flags) => add::run(&client, flags).await,
        DeviceVerb::Pair(flags) => pair::run(&client, flags).await,
        DeviceVerb::Show(flags) => show::run(&client, &flags).await,
        DeviceVerb::Reconnect(flags) => reconnect::run(&client, &flags).await,
        DeviceVerb::Pause(flags) => pause::run(&client, &flags).await,
        DeviceVerb::Resume(flags) => resume::run(&client, &flags).await,
        DeviceVerb::Logout(flags) => logout::run(&client, &flags).await,
        DeviceVerb::Remove(flags) => remove::run(&client, &flags).await,
    }
}
