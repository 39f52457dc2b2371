//! The REST API of a running daemon, as the commands that speak to one call it.

pub(crate) mod access;
mod devices;
pub(crate) mod events;
mod failure;
pub(crate) mod find;
mod messages;
pub(crate) mod model;
pub(crate) mod webhooks;

use std::path::Path;
use std::time::Duration;

use postern_api::ApiKeySecret;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

pub(crate) use self::failure::{Failure, WrongUsage};
use crate::cli::DaemonFlags;

/// How long any call may take; none of them waits for WhatsApp.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a probe may take: longer than a daemon waits for its database.
const PROBE_LIMIT: Duration = Duration::from_secs(15);
/// The variable that holds the key.
const KEY_VARIABLE: &str = "POSTERN_API_KEY";

/// A daemon, spoken to with a key of one workspace.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    key: ApiKeySecret,
}

impl Client {
    /// # Errors
    /// There is no key, or none that could be one; or the client cannot be built.
    pub(crate) fn new(flags: &DaemonFlags, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let key = key(flags.api_key_file.as_deref(), environment)?;
        let http = http(&flags.url, LIMIT)?;
        Ok(Self {
            http,
            url: flags.url.as_str().trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// How much of its plan the workspace uses, as the API writes it.
    pub(crate) async fn usage(&self) -> Result<Box<RawValue>, Failure> {
        self.read(self.request(Method::GET, "/v1/usage")).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(self.key.expose())
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let answer = self.send(request).await?;
        serde_json::from_str(&answer.body).map_err(|_unreadable| self.not_postern(answer.status))
    }

    /// A 2xx answer.
    async fn send(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let answered = async {
            let response = request.send().await?;
            Ok(Answer {
                status: response.status().as_u16(),
                replayed: response.headers().contains_key("Idempotency-Replayed"),
                body: response.text().await?,
            })
        };
        match answered.await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(Failure::from_answer(&self.url, answer.status, &answer.body)),
            Err(error) => Err(Failure::without_answer(&self.url, &error)),
        }
    }

    fn not_postern(&self, status: u16) -> Failure {
        Failure::NotPostern {
            url: self.url.clone(),
            status,
        }
    }
}

/// # Errors
/// The client cannot be built.
fn http(url: &Url, limit: Duration) -> reqwest::Result<reqwest::Client> {
    // Fails only when the process has a provider already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    // The key is for this daemon alone: no proxy that the environment names, no redirects.
    let mut http = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(limit);
    if url.scheme() == "http" {
        // The system's certificates are not needed, and a small container has none.
        http = http.tls_certs_only([]);
    }
    http.build()
}

/// Asks `path`, which takes no key; answers the status and the body, whatever they are.
///
/// # Errors
/// Nothing answers.
pub(crate) async fn probe(url: &Url, path: &str) -> anyhow::Result<(u16, String)> {
    let base = url.as_str().trim_end_matches('/');
    let asked = async {
        let answer = http(url, PROBE_LIMIT)?
            .get(format!("{base}{path}"))
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    };
    let answered: reqwest::Result<_> = asked.await;
    Ok(answered.map_err(|error| Failure::without_answer(base, &error))?)
}

/// What a daemon answered.
struct Answer {
    status: u16,
    /// Whether it is the answer to an earlier request.
    replayed: bool,
    body: String,
}

/// The key in `file`, else that of the environment.
fn key(file: Option<&Path>, environment: &[(String, String)]) -> Result<ApiKeySecret, WrongUsage> {
    let (text, origin) = match file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| WrongUsage(format!("cannot read {}: {error}", path.display())))?;
            (text, path.display().to_string())
        }
        None => {
            let variable = environment.iter().find(|(name, _)| name == KEY_VARIABLE);
            let (_, value) = variable.ok_or_else(|| {
                WrongUsage(format!(
                    "no API key: set {KEY_VARIABLE}, or name a file that holds it with --api-key-file; \
                     `postern serve` prints one at its first start"
                ))
            })?;
            (value.clone(), KEY_VARIABLE.to_owned())
        }
    };
    ApiKeySecret::parse(text.trim())
        .map_err(|error| WrongUsage(format!("what {origin} holds is not an API key: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_live_0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_file_wins_over_the_environment_and_may_end_with_a_newline() {
        let other = KEY.replace("cdef", "fedc");
        let environment = [(KEY_VARIABLE.to_owned(), other.clone())];
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), format!("{KEY}\n")).expect("written");
        let given = key(Some(file.path()), &environment).expect("a key");
        assert_eq!(given.expose(), KEY);
        let given = key(None, &environment).expect("a key");
        assert_eq!(given.expose(), other);
    }

    #[test]
    fn without_a_usable_key_nothing_is_repeated_of_it() {
        let missing = key(None, &[]).expect_err("no key").to_string();
        assert!(missing.contains("set POSTERN_API_KEY"), "{missing}");
        let wrong = [(KEY_VARIABLE.to_owned(), "s3cret".to_owned())];
        let wrong = key(None, &wrong).expect_err("no key").to_string();
        assert!(
            wrong.contains(KEY_VARIABLE) && !wrong.contains("s3cret"),
            "{wrong}"
        );
        let gone = key(Some(Path::new("/nowhere/key")), &[]).expect_err("no file");
        assert!(gone.to_string().contains("/nowhere/key"));
    }
}
