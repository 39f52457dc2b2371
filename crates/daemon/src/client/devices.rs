//! The calls about devices.

use postern_domain::PhoneNumber;
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use serde_json::value::RawValue;

use super::model::{Code, Device, Page};
use super::{Client, Failure};

impl Client {
    /// Creates a device.
    pub(crate) async fn create(&self, name: &str) -> Result<Device, Failure> {
        let request = self.request(Method::POST, "/v1/devices");
        self.read(request.json(&json!({ "name": name }))).await
    }

    /// One device; `None` when there is none with this id.
    pub(crate) async fn device(&self, id: &str) -> Result<Option<Device>, Failure> {
        found(self.read(self.of_device(Method::GET, id, "")).await)
    }

    /// One device as the API writes it; `None` when there is none with this id.
    pub(crate) async fn device_json(&self, id: &str) -> Result<Option<Box<RawValue>>, Failure> {
        found(self.read(self.of_device(Method::GET, id, "")).await)
    }

    /// All devices as the API writes them, newest first.
    pub(crate) async fn devices_json(&self) -> Result<Vec<Box<RawValue>>, Failure> {
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
    pub(crate) async fn devices(&self) -> Result<Vec<Device>, Failure> {
        let all = self.devices_json().await?;
        all.iter()
            .map(|device| serde_json::from_str(device.get()))
            .collect::<Result<_, _>>()
            .map_err(|_unreadable| self.not_postern(200))
    }

    /// `POST /v1/devices/{id}/{verb}`; answers the device.
    pub(crate) async fn ask(&self, id: &str, verb: &str) -> Result<Device, Failure> {
        let request = self.of_device(Method::POST, id, &format!("/{verb}"));
        self.read(request.json(&json!({}))).await
    }

    /// Asks for a code to be typed in on the phone with this number.
    pub(crate) async fn ask_for_pairing_code(&self, id: &str, phone: PhoneNumber) -> Result<(), Failure> {
        let request = self.of_device(Method::POST, id, "/pairing-code?wait=0");
        let request = request.json(&json!({ "phone": phone.to_string() }));
        self.send(request).await.map(drop)
    }

    /// The code to be typed in that is on show, if one is.
    pub(crate) async fn pairing_code(&self, id: &str) -> Result<Option<Code>, Failure> {
        self.code(id, "/pairing-code?wait=0").await
    }

    /// The QR code on show, if one is.
    pub(crate) async fn qr(&self, id: &str) -> Result<Option<Code>, Failure> {
        self.code(id, "/qr.json?wait=0").await
    }

    async fn code(&self, id: &str, path: &str) -> Result<Option<Code>, Failure> {
        match self.read(self.of_device(Method::GET, id, path)).await {
            Err(failure) if failure.is_about_the_moment() => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// Removes a device, and what it sent and received where `purge` says so.
    pub(crate) async fn remove(&self, id: &str, purge: bool) -> Result<(), Failure> {
        let rest = if purge { "?purge=true" } else { "" };
        let request = self.of_device(Method::DELETE, id, rest);
        self.send(request).await.map(drop)
    }

    fn of_device(&self, method: Method, id: &str, rest: &str) -> RequestBuilder {
        self.request(method, &format!("/v1/devices/{id}{rest}"))
    }
}

/// `text` as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn found<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Err(failure) if failure.is_not_found() => Ok(None),
        answer => answer.map(Some),
    }
}
