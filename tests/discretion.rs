//! The logs hold no secret and nothing personal, at the most verbose level, whatever the daemon goes through.

use anyhow::Context as _;
use postern_testkit::{DaemonOptions, Reply, TestDaemon, TestSandbox, WebhookSink, eventually, text};
use reqwest::Method;
use serde_json::{Value, json};

use crate::dashboard::{Visitor, printed_link};
use crate::{CONTACT, OWNER, postern};

/// The phone that is linked by a code.
const SECOND: &str = "+4915198765432";
/// A number that WhatsApp does not know.
const NOBODY: &str = "+15558889999";

/// What must not be in a log, with its name.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// Keeps a value, and hands it on.
    fn keep(&mut self, name: &'static str, value: impl Into<String>) -> String {
        let value = value.into();
        assert!(
            value.len() >= 6,
            "{name} is too short to be looked for: {value:?}"
        );
        self.0.push((name, value.clone()));
        value
    }

    fn keep_field(&mut self, name: &'static str, object: &Value, field: &str) -> anyhow::Result<String> {
        let value = object[field]
            .as_str()
            .with_context(|| format!("no {field}: {object}"))?;
        Ok(self.keep(name, value))
    }

    /// What of it stands in these lines, and where.
    fn found_in(&self, log: &[String]) -> Vec<String> {
        let in_line = |line: &String| {
            let told = self.0.iter().filter(|(_, secret)| line.contains(secret.as_str()));
            let names: Vec<_> = told.map(|(name, _)| *name).collect();
            (!names.is_empty()).then(|| format!("{names:?} in {line}"))
        };
        log.iter().filter_map(in_line).collect()
    }
}

#[tokio::test]
async fn nothing_leaks_into_lines_for_people() -> anyhow::Result<()> {
    let leaks = leaks(DaemonOptions::default()).await?;
    assert!(leaks.is_empty(), "{leaks:#?}");
    Ok(())
}

#[tokio::test]
async fn nothing_leaks_into_json() -> anyhow::Result<()> {
    let leaks = leaks(DaemonOptions::default().logging_json()).await?;
    assert!(leaks.is_empty(), "{leaks:#?}");
    Ok(())
}

/// The other way round: what is looked for is there to be found.
#[tokio::test]
async fn whatsapps_client_leaks_once_it_is_heard() -> anyhow::Result<()> {
    let leaks = leaks(DaemonOptions::default().set("LOG__CLIENT", "true")).await?;
    for what in ["the owner's number", "the contact's number"] {
        assert!(leaks.iter().any(|leak| leak.contains(what)), "{leaks:#?}");
    }
    Ok(())
}

/// What is in the logs after a daemon has gone through everything there is.
async fn leaks(options: DaemonOptions) -> anyhow::Result<Vec<String>> {
    let options = options
        .set("LOG__LEVEL", "debug,postern=trace")
        .set("WEBHOOKS__ALLOW", "127.0.0.0/8")
        .set("WEBHOOKS__ALLOW_HTTP", "true")
        .set("WEBHOOKS__RETRY_SECONDS", "0,1");
    let network = TestSandbox::start(&postern()).await?;
    let mut daemon = TestDaemon::start_with(&postern(), &network, options).await?;
    let mut secrets = Secrets::default();
    for (name, number) in [
        ("the owner's number", OWNER),
        ("the second number", SECOND),
        ("the contact's number", CONTACT),
        ("nobody's number", NOBODY),
    ] {
        secrets.keep(name, number.trim_start_matches('+'));
    }
    secrets.keep("the daemon's key", daemon.key());

    let sink = WebhookSink::start().await?;
    operators(&daemon, &mut secrets).await?;
    webhooks(&daemon, &sink, &mut secrets).await?;
    let device = linking(&daemon, &network, &mut secrets).await?;
    keys(&daemon, &mut secrets).await?;
    messages(&daemon, &network, &device, &mut secrets).await?;
    bad_requests(&daemon, &device, &mut secrets).await?;
    endings(&daemon, &network, &device).await?;
    daemon.terminate().await?;

    let log = daemon.log();
    assert!(
        log.iter().any(|line| line.contains("DEBUG")),
        "it is as verbose as it was told"
    );
    Ok(secrets.found_in(&log))
}

/// Somebody sets the dashboard up, mistypes a password, logs in and out.
async fn operators(daemon: &TestDaemon, secrets: &mut Secrets) -> anyhow::Result<()> {
    let link = printed_link(daemon).await?;
    let token = link.split_once("token=").context("no token")?.1.to_owned();
    let mut owner = Visitor::of(&link)?;
    let password = secrets.keep("a password", "a gate with three towers");
    owner.set_up(&link, "ada", &password).await?;
    let mut other = owner.another();
    let wrong = secrets.keep("a wrong password", "a gate without a tower");
    assert!(other.log_in("ada", &wrong).await.is_err());
    other.log_in("ada", &password).await?;
    for visitor in [&owner, &other] {
        let cookie = visitor.cookie.as_deref().context("no session")?;
        let session = cookie.split_once('=').context("no value")?.1;
        secrets.keep("a session", session);
        secrets.keep("a form's token", visitor.csrf.clone());
    }
    other.post("/logout", &[]).await?;
    let again = owner.another();
    again
        .post(
            "/setup",
            &[("token", &token), ("name", "eve"), ("password", &password)],
        )
        .await?;
    let printed = daemon.log().iter().filter(|line| line.contains(&token)).count();
    assert!(printed <= 1, "the link to set up is printed once");
    Ok(())
}

/// Endpoints with secrets of every kind: one that works after a while, and those that are refused.
async fn webhooks(daemon: &TestDaemon, sink: &WebhookSink, secrets: &mut Secrets) -> anyhow::Result<()> {
    let answer = secrets.keep("an endpoint's answer", "stack trace of the shop");
    sink.behave(move |request| {
        // Everything but the challenge fails at first.
        if request.kind() == "message.accepted" && request.repetition == 0 {
            Reply::Answer(500, Vec::new(), answer.clone().into_bytes())
        } else {
            Reply::Answer(
                200,
                Vec::new(),
                request.json()["data"]["token"]
                    .as_str()
                    .unwrap_or_default()
                    .into(),
            )
        }
    });
    let query = secrets.keep("a query of a URL", "tenant-4711-token");
    let header = secrets.keep("a header's value", "Basic c2hvcDp0b3dlcg");
    let headers = json!({ "Authorization": header });
    let body = json!({ "url": sink.url(&format!("/hook?key={query}")), "headers": headers });
    let created = daemon.http().post("/v1/webhooks", &body).await?.ok()?;
    secrets.keep_field("a webhook's secret", &created, "secret")?;
    let hook = format!("/v1/webhooks/{}", created["id"].as_str().context("no id")?);
    let rotated = daemon
        .http()
        .post(&format!("{hook}/rotate-secret"), &json!({}))
        .await?
        .ok()?;
    secrets.keep_field("a webhook's new secret", &rotated, "secret")?;
    let test = json!({ "type": "message.received" });
    daemon.http().post(&format!("{hook}/test"), &test).await?.ok()?;
    for url in [
        format!("http://user:{query}@127.0.0.1:1/"),
        format!("http://127.0.0.1:1/?key={query}"),
        format!("http://169.254.169.254/?key={query}"),
        format!("http://no-such-host.invalid/?key={query}"),
        format!("ftp://{query}"),
    ] {
        let refused = daemon
            .http()
            .post("/v1/webhooks", &json!({ "url": url, "headers": headers }))
            .await?;
        anyhow::ensure!(refused.status.is_client_error(), "{url} was taken");
    }
    Ok(())
}

/// One device by a QR code and one by a code that is typed.
async fn linking(
    daemon: &TestDaemon,
    network: &TestSandbox,
    secrets: &mut Secrets,
) -> anyhow::Result<String> {
    let device = daemon.create_device().await?;
    let qr = daemon.pairing_qr(&device).await?;
    for part in qr.split([',', '@']).filter(|part| part.len() > 10) {
        secrets.keep("a part of a QR code", part);
    }
    network.scan(OWNER, &qr).await?;
    daemon.device_becomes(&device, "connected").await?;
    let second = daemon.create_device().await?;
    let path = format!("/v1/devices/{second}/pairing-code");
    daemon
        .http()
        .post(&path, &json!({ "phone": SECOND }))
        .await?
        .ok()?;
    let code = eventually("a code is on show", || async {
        let answer = daemon.http().get(&path).await?;
        Ok((answer.status == 200).then_some(answer))
    })
    .await?;
    let code = secrets.keep_field("a pairing code", &code.ok()?, "code")?;
    secrets.keep("a pairing code without its dash", code.replace('-', ""));
    network.enter_code(SECOND, &code).await?;
    daemon.device_becomes(&second, "connected").await?;
    Ok(device)
}

async fn keys(daemon: &TestDaemon, secrets: &mut Secrets) -> anyhow::Result<()> {
    let http = daemon.http();
    let body = json!({ "name": "worker", "scopes": ["events:read"] });
    let made = http.post("/v1/api-keys", &body).await?.ok()?;
    let key = secrets.keep_field("a key", &made, "key")?;
    let path = format!("/v1/api-keys/{}", made["id"].as_str().context("no id")?);
    let rotated = http.post(&format!("{path}/rotate"), &json!({})).await?.ok()?;
    secrets.keep_field("a key's successor", &rotated, "key")?;
    assert_eq!(http.with_key(Some(&key)).get("/v1/devices").await?.status, 403);
    http.delete(&path).await?;
    assert_eq!(http.with_key(Some(&key)).get("/v1/events").await?.status, 401);
    let unknown = secrets.keep("an unknown key", format!("sk_live_{}", "ab12".repeat(12)));
    assert_eq!(
        http.with_key(Some(&unknown)).get("/v1/devices").await?.status,
        401
    );
    Ok(())
}

/// Out and in, and what cannot be delivered.
async fn messages(
    daemon: &TestDaemon,
    network: &TestSandbox,
    device: &str,
    secrets: &mut Secrets,
) -> anyhow::Result<()> {
    let http = daemon.http();
    let mut body = text(
        device,
        CONTACT,
        &secrets.keep("a text", "the tower falls at dawn"),
    );
    body["metadata"] = json!({ "order": secrets.keep("metadata", "order-of-the-tower") });
    body["clientReference"] = json!(secrets.keep("a reference", "reference-of-the-tower"));
    let key = secrets.keep("an idempotency key", "idempotent-tower");
    let request = http
        .request(Method::POST, "/v1/messages")
        .header("Idempotency-Key", key);
    let sent = http.send(request.json(&body)).await?.ok()?;
    daemon
        .message_reaches(sent["id"].as_str().context("no id")?, "read")
        .await?;
    let nobody = text(
        device,
        NOBODY,
        &secrets.keep("a text to nobody", "is anybody in the tower"),
    );
    let batch = json!({ "messages": [nobody] });
    http.post("/v1/messages/batch", &batch).await?.ok()?;
    let group = network.create_group("The Tower", &[OWNER, CONTACT]).await?;
    daemon
        .send_text(
            device,
            &group,
            &secrets.keep("a text to a group", "all of the tower"),
        )
        .await?;
    secrets.keep("a group", group.split('@').next().unwrap_or_default());

    // Back again, with a message that cannot be read at first.
    network.fault(OWNER, "undecryptable").await?;
    network
        .write(
            CONTACT,
            OWNER,
            &secrets.keep("a text that comes in", "who holds the tower"),
        )
        .await?;
    let received = eventually("it came in", || async {
        let list = http.get("/v1/events?type=message.received").await?.ok()?;
        Ok(list["data"].get(0).cloned())
    })
    .await?;
    let data = &received["data"];
    secrets.keep_field("a push name", data, "pushName")?;
    if let Some(lid) = data["fromLid"].as_str() {
        secrets.keep("a LID", lid.split('@').next().unwrap_or_default());
    }
    for query in [
        "to=%2B15551234567",
        "q=tower+falls",
        "clientReference=reference-of-the-tower",
    ] {
        http.get(&format!("/v1/messages?{query}")).await?.ok()?;
    }
    Ok(())
}

async fn bad_requests(daemon: &TestDaemon, device: &str, secrets: &mut Secrets) -> anyhow::Result<()> {
    let http = daemon.http();
    let typed = secrets.keep("what was mistyped", "mistyped-tower-7");
    for body in [
        text(device, &typed, "x"),
        text(&typed, CONTACT, "x"),
        json!({ typed.clone(): 1 }),
        json!(typed),
    ] {
        assert_eq!(http.post("/v1/messages", &body).await?.status, 400);
    }
    let request = http.request(Method::POST, "/v1/messages");
    let broken = request
        .header("content-type", "application/json")
        .body(format!("{{\"to\":\"{typed}"));
    assert_eq!(http.send(broken).await?.status, 400);
    for path in [
        "/v1/messages?q=x&to=",
        "/v1/messages?x=",
        "/v1/messages/",
        "/v1/",
        "/v1/devices/",
        "/",
    ] {
        let answer = http.get(&format!("{path}{typed}")).await?;
        assert!(answer.status.is_client_error(), "{path}");
    }
    Ok(())
}

/// The workspace is switched off and on, the account logs out.
async fn endings(daemon: &TestDaemon, network: &TestSandbox, device: &str) -> anyhow::Result<()> {
    let http = daemon.http();
    let own = http.get("/v1/workspace").await?.ok()?;
    let path = format!("/v1/admin/workspaces/{}", own["id"].as_str().context("no id")?);
    http.post(&format!("{path}/deactivate"), &json!({ "reason": "unpaid" }))
        .await?
        .ok()?;
    assert_eq!(http.get("/v1/devices").await?.status, 403);
    http.post(&format!("{path}/activate"), &json!({})).await?.ok()?;
    network.clear_faults().await?;
    daemon.device_becomes(device, "connected").await?;
    http.post(&format!("/v1/devices/{device}/logout"), &json!({}))
        .await?
        .ok()?;
    // Unlinked, or disconnected where messages are parked.
    eventually("it is logged out", || async {
        let shown = http.get(&format!("/v1/devices/{device}")).await?.ok()?;
        Ok((shown["reason"] == "logged_out").then_some(()))
    })
    .await?;
    Ok(())
}
