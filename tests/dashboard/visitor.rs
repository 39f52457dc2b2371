//! A browser without a screen: keeps the cookie, sends forms as a page of the dashboard would.

use std::sync::Once;

use anyhow::Context as _;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use url::{Url, form_urlencoded};

/// Somebody at the dashboard.
#[derive(Clone)]
pub(crate) struct Visitor {
    client: Client,
    /// `http://127.0.0.1:…`
    pub(crate) base: String,
    /// Name and value of the session's cookie.
    pub(crate) cookie: Option<String>,
    /// What the session's forms carry.
    pub(crate) csrf: String,
}

/// A page, or where to go.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn location(&self) -> &str {
        self.header(LOCATION.as_str())
    }
}

impl Visitor {
    /// Somebody new, at the dashboard that `link` leads to.
    pub(crate) fn of(link: &str) -> anyhow::Result<Self> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let base = Url::parse(link)?.origin().ascii_serialization();
        Ok(Self {
            client: Client::builder().no_proxy().redirect(Policy::none()).build()?,
            base,
            cookie: None,
            csrf: String::new(),
        })
    }

    /// Somebody else at the same place.
    pub(crate) fn another(&self) -> Self {
        Self {
            cookie: None,
            csrf: String::new(),
            ..self.clone()
        }
    }

    pub(crate) async fn set_up(&mut self, link: &str, name: &str, password: &str) -> anyhow::Result<()> {
        let token = link.split_once("token=").context("no token")?.1;
        let fields = [("token", token), ("name", name), ("password", password)];
        let answer = self.post("/setup", &fields).await?;
        anyhow::ensure!(answer.status == 303, "{answer:?}");
        self.enter(&answer).await
    }

    pub(crate) async fn log_in(&mut self, name: &str, password: &str) -> anyhow::Result<()> {
        let answer = self
            .post("/login", &[("name", name), ("password", password)])
            .await?;
        anyhow::ensure!(answer.status == 303, "{answer:?}");
        self.enter(&answer).await
    }

    /// Takes the cookie of an answer, and reads what forms carry.
    pub(crate) async fn enter(&mut self, answer: &Seen) -> anyhow::Result<()> {
        let cookie = answer.header(SET_COOKIE.as_str());
        self.cookie = cookie.split(';').next().map(str::to_owned);
        let page = self.get("/account").await?;
        let mark = "name=\"csrf\" value=\"";
        let from = page.body.find(mark).context("no form of the session")? + mark.len();
        self.csrf = page.body[from..].split('"').next().unwrap_or_default().to_owned();
        Ok(())
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Seen> {
        see(self.request(self.client.get(format!("{}{path}", self.base)))).await
    }

    /// Sends a form as a page of the dashboard does.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<Seen> {
        let origin = self.base.clone();
        see(self.form(path, fields).header("origin", origin)).await
    }

    /// The same without saying which page it comes from.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut body = form_urlencoded::Serializer::new(String::new());
        if !self.csrf.is_empty() && !fields.iter().any(|(name, _)| *name == "csrf") {
            body.append_pair("csrf", &self.csrf);
        }
        let body = body.extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.base));
        self.request(request)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// Asks in a way that no page does.
    pub(crate) async fn call(&self, method: &str, path: &str) -> anyhow::Result<StatusCode> {
        let method = Method::from_bytes(method.as_bytes())?;
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request
            .header("origin", &self.base)
            .header("x-csrf-token", &self.csrf);
        Ok(self.request(request).send().await?.status())
    }

    /// A stream, to be read as it comes.
    pub(crate) async fn stream(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let request = self.client.get(format!("{}{path}", self.base));
        Ok(self.request(request).send().await?)
    }

    pub(crate) fn request(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        }
    }
}

pub(crate) async fn see(request: RequestBuilder) -> anyhow::Result<Seen> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    Ok(Seen {
        status,
        headers,
        body: answer.text().await?,
    })
}
