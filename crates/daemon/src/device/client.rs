//! The few calls of the REST API that the verbs are made of.

use std::path::Path;
use std::time::Duration;

use postern_api::ApiKeySecret;
use postern_domain::PhoneNumber;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use super::failure::{Failure, WrongUsage};
use super::model::{Code, Device, Page};
use crate::cli::DaemonFlags;

/// How long any call may take; none of them waits for WhatsApp.
const LIMIT: Duration = Duration::from_secs(30);
/// The variable that holds the key.
const KEY_VARIABLE: &str = "POSTERN_API_KEY";

/// A daemon, spoken to with a key of one workspace.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    key: ApiKeySecret,
}

impl Client {
    /// # Errors
    /// There is no key, or none that could be one; or the client cannot be built.
    pub(super) fn new(flags: &DaemonFlags, environment: &[(String, String)]) -> anyhow::Result<Self> {
        let key = key(flags.api_key_file.as_deref(), environment)?;
        // Fails only when the process has a provider already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        // The key is for this daemon alone: no proxy that the environment names, no redirects.
        let mut http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(LIMIT);
        if flags.url.scheme() == "http" {
            // The system's certificates are not needed, and a small container has none.
            http = http.tls_certs_only([]);
        }
        Ok(Self {
            http: http.build()?,
            url: flags.url.as_str().trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// Creates a device.
    pub(super) async fn create(&self, name: &str) -> Result<Device, Failure> {
        let request = self.request(Method::POST, "/v1/devices");
        self.read(request.json(&json!({ "name": name }))).await
    }

    /// One device; `None` when there is none with this id.
    pub(super) async fn device(&self, id: &str) -> Result<Option<Device>, Failure> {
        found(self.read(self.of_device(Method::GET, id, "")).await)
    }

    /// One device as the API writes it; `None` when there is none with this id.
    pub(super) async fn device_json(&self, id: &str) -> Result<Option<Box<RawValue>>, Failure> {
        found(self.read(self.of_device(Method::GET, id, "")).await)
    }

    /// All devices as the API writes them, newest first.
    pub(super) async fn devices_json(&self) -> Result<Vec<Box<RawValue>>, Failure> {
        let mut devices = Vec::new();
        let mut rest = String::new();
        loop {
            let request = self.request(Method::GET, &format!("/v1/devices?limit=200{rest}"));
            let page: Page = self.read(request).await?;
            devices.extend(page.data);
            let Some(cursor) = page.next_cursor else {
                return Ok(devices);
            };
            rest = format!("&cursor={}", encoded(&cursor));
        }
    }

    /// All devices, newest first.
    pub(super) async fn devices(&self) -> Result<Vec<Device>, Failure> {
        let all = self.devices_json().await?;
        all.iter()
            .map(|device| serde_json::from_str(device.get()))
            .collect::<Result<_, _>>()
            .map_err(|_unreadable| self.not_postern(200))
    }

    /// `POST /v1/devices/{id}/{verb}`; answers the device.
    pub(super) async fn ask(&self, id: &str, verb: &str) -> Result<Device, Failure> {
        let request = self.of_device(Method::POST, id, &format!("/{verb}"));
        self.read(request.json(&json!({}))).await
    }

    /// Asks for a code to be typed in on the phone with this number.
    pub(super) async fn ask_for_pairing_code(&self, id: &str, phone: PhoneNumber) -> Result<(), Failure> {
        let request = self.of_device(Method::POST, id, "/pairing-code?wait=0");
        let request = request.json(&json!({ "phone": phone.to_string() }));
        self.send(request).await.map(drop)
    }

    /// The code to be typed in that is on show, if one is.
    pub(super) async fn pairing_code(&self, id: &str) -> Result<Option<Code>, Failure> {
        self.code(id, "/pairing-code?wait=0").await
    }

    /// The QR code on show, if one is.
    pub(super) async fn qr(&self, id: &str) -> Result<Option<Code>, Failure> {
        self.code(id, "/qr.json?wait=0").await
    }

    async fn code(&self, id: &str, path: &str) -> Result<Option<Code>, Failure> {
        match self.read(self.of_device(Method::GET, id, path)).await {
            Err(failure) if failure.is_about_the_moment() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Removes a device, and what it sent and received where `purge` says so.
    pub(super) async fn remove(&self, id: &str, purge: bool) -> Result<(), Failure> {
        let rest = if purge { "?purge=true" } else { "" };
        let request = self.of_device(Method::DELETE, id, rest);
        self.send(request).await.map(drop)
    }

    fn of_device(&self, method: Method, id: &str, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/v1/devices/{id}{rest}"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(self.key.expose())
    }

    async fn read<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let (status, body) = self.send(request).await?;
        serde_json::from_str(&body).map_err(|_unreadable| self.not_postern(status))
    }

    /// Status and body of a 2xx answer.
    async fn send(&self, request: RequestBuilder) -> Result<(u16, String), Failure> {
        let answered = async {
            let response = request.send().await?;
            let status = response.status();
            Ok((status, response.text().await?))
        };
        match answered.await {
            Ok((status, body)) if status.is_success() => Ok((status.as_u16(), body)),
            Ok((status, body)) => Err(Failure::from_answer(&self.url, status.as_u16(), &body)),
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

/// `text` as a part of a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Err(failure) if failure.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
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
