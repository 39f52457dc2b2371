//! `postern health`: asks a daemon whether it can do its work, without a key.

use serde_json::Value;

use crate::cli::HealthCommand;
use crate::client::{Failure, probe};
use crate::print::{print, printable};

pub(crate) async fn command(flags: HealthCommand) -> anyhow::Result<()> {
    let path = if flags.live { "/healthz" } else { "/readyz" };
    let url = flags.url.as_str().trim_end_matches('/');
    let (status, body) = probe(&flags.url, path).await?;
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    if status == 200 && answer["status"] == "ok" {
        return Ok(print("ok\n")?);
    }
    let error = &answer["error"];
    let (Some(code), Some(message)) = (error["code"].as_str(), error["message"].as_str()) else {
        return Err(Failure::from_answer(url, status, &body).into());
    };
    anyhow::bail!("{}: {}", printable(code), printable(message))
}
