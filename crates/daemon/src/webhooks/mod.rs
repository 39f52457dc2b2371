//! `postern webhooks …`: manages the webhook endpoints of a running daemon over its REST API.
//!
//! A verb finds the endpoint by its id, URL or description and makes one call. Results go to standard output, advice and
//! errors to standard error.

mod add;
mod attempts;
mod find;
mod list;
mod remove;
mod replay;
mod rotate_secret;
mod show;
mod switch;
mod test;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::cli::{WebhooksCommand, WebhooksVerb};
use crate::client::Client;

/// Runs one verb against the daemon that flags and `environment` name.
pub(crate) async fn command(flags: WebhooksCommand, environment: &[(String, String)]) -> anyhow::Result<()> {
    let client = Client::new(&flags.daemon, environment)?;
    match flags.verb {
        WebhooksVerb::List(flags) => list::run(&client, &flags).await,
        WebhooksVerb::Add(flags) => add::run(&client, flags).await,
        WebhooksVerb::Show(flags) => show::run(&client, &flags).await,
        WebhooksVerb::Test(flags) => test::run(&client, &flags).await,
        WebhooksVerb::Attempts(flags) => attempts::run(&client, &flags).await,
        WebhooksVerb::Replay(flags) => replay::run(&client, &flags).await,
        WebhooksVerb::RotateSecret(flags) => rotate_secret::run(&client, &flags).await,
        WebhooksVerb::Enable(flags) => switch::run(&client, &flags, true).await,
        WebhooksVerb::Disable(flags) => switch::run(&client, &flags, false).await,
        WebhooksVerb::Remove(flags) => remove::run(&client, &flags).await,
    }
}

/// What the API wrote, as far as this command reads it.
fn read<T: DeserializeOwned>(json: &RawValue) -> anyhow::Result<T> {
    serde_json::from_str(json.get())
        .map_err(|error| anyhow::anyhow!("the daemon answered something else than expected: {error}"))
}
