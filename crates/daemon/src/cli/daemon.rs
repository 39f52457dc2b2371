//! How a command names the daemon that it speaks to.

use std::path::PathBuf;

use clap::Args;
use url::Url;

/// Which daemon is asked, and by whom.
#[derive(Debug, Args)]
pub struct DaemonFlags {
    /// Where the daemon's REST API answers.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "POSTERN_URL",
        default_value = "http://127.0.0.1:8480",
        value_parser = daemon_url
    )]
    pub url: Url,
    /// A file that holds the API key; without it the key is taken from POSTERN_API_KEY.
    #[arg(long, global = true, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

fn daemon_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; expected e.g. http://127.0.0.1:8480"))?;
    if matches!(url.scheme(), "http" | "https") && url.has_host() {
        Ok(url)
    } else {
        Err("expected an address that starts with http:// or https://".to_owned())
    }
}
