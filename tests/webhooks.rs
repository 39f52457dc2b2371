//! Webhooks, with a real endpoint at the other end: everything arrives signed, whatever the endpoint or the daemon goes through.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anyhow::Context as _;
use postern_testkit::{DaemonOptions, Received, Reply, TestDaemon, TestSandbox, WebhookSink, eventually};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::{CONTACT, OWNER, linked, postern};

/// A daemon that may send to this machine, and does not wait for long before it tries again.
fn hasty() -> DaemonOptions {
    DaemonOptions::default()
        .set("WEBHOOKS__ALLOW", "127.0.0.0/8")
        .set("WEBHOOKS__ALLOW_HTTP", "true")
        .set("WEBHOOKS__TIMEOUT", "15")
        .set("WEBHOOKS__REST_LONGEST", "1")
        .set("WEBHOOKS__RETRY_SECONDS", "0,1,1,1")
}

/// A network, a daemon with a linked device, and an endpoint.
async fn delivering() -> anyhow::Result<(TestSandbox, TestDaemon, String, WebhookSink)> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, hasty()).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    Ok((network, daemon, device, WebhookSink::start().await?))
}

/// Registers an endpoint; answers its id and its secret.
async fn register(daemon: &TestDaemon, url: &str, more: Value) -> anyhow::Result<(String, String)> {
    let mut body = json!({ "url": url });
    let more = more.as_object().cloned().unwrap_or_default();
    body.as_object_mut().context("an object")?.extend(more);
    let created = daemon.http().post("/v1/webhooks", &body).await?.ok()?;
    let text = |name: &str| created[name].as_str().map(str::to_owned).context("no text");
    Ok((text("id")?, text("secret")?))
}

fn is_genuine(request: &Received, secret: &str) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    let verifier = standardwebhooks::Webhook::new(secret);
    verifier.is_ok_and(|verifier| verifier.verify(&request.body, &headers).is_ok())
}

/// Texts of a batch, all to the contact.
async fn send(daemon: &TestDaemon, device: &str, count: usize) -> anyhow::Result<()> {
    let message =
        |number| json!({ "to": CONTACT, "type": "text", "text": { "body": format!("number {number}") } });
    let messages: Vec<_> = (0..count).map(message).collect();
    let batch = json!({ "deviceId": device, "messages": messages });
    daemon
        .http()
        .post("/v1/messages/batch", &batch)
        .await?
        .ok()
        .map(drop)
}

/// How many different events of a type came.
fn distinct(sink: &WebhookSink, path: &str, kind: &str) -> usize {
    let received = sink.received();
    let of_kind = received
        .iter()
        .filter(|request| request.path == path && request.kind() == kind);
    of_kind.map(Received::id).collect::<HashSet<_>>().len()
}

async fn wait_for(sink: &WebhookSink, path: &str, kind: &str, count: usize) -> anyhow::Result<()> {
    let arrived = || async { Ok((distinct(sink, path, kind) >= count).then_some(())) };
    eventually(&format!("{count} of {kind} arrived"), arrived).await
}

async fn attempts(daemon: &TestDaemon, webhook: &str) -> anyhow::Result<Vec<Value>> {
    let path = format!("/v1/webhooks/{webhook}/attempts?limit=200");
    let page = daemon.http().get(&path).await?.ok()?;
    Ok(page["data"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn what_happens_to_messages_and_devices_arrives_signed() -> anyhow::Result<()> {
    let (network, daemon, device, sink) = delivering().await?;
    let (_, secret) = register(&daemon, &sink.url("/hook"), json!({})).await?;
    let message = daemon.send_text(&device, CONTACT, "hello").await?;
    daemon.message_reaches(&message, "read").await?;
    network.write(CONTACT, OWNER, "hello yourself").await?;
    daemon
        .http()
        .post(&format!("/v1/devices/{device}/logout"), &json!({}))
        .await?
        .ok()?;
    // A receipt that overtakes the ack leaves the steps before it out.
    for kind in [
        "message.accepted",
        "message.read",
        "message.received",
        "device.unlinked",
    ] {
        wait_for(&sink, "/hook", kind, 1).await?;
    }
    let mut numbers = Vec::new();
    for request in sink.received() {
        assert!(is_genuine(&request, &secret), "{}", request.kind());
        assert!(request.id().starts_with("evt_"));
        let body = request.json();
        assert_eq!(body["data"]["deviceId"], *device);
        if request.kind().starts_with("message.") && request.kind() != "message.received" {
            assert_eq!(body["data"]["messageId"], *message);
        }
        numbers.extend(body["data"]["seq"].as_u64());
    }
    numbers.sort_unstable();
    assert!(
        numbers.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "{numbers:?}"
    );
    Ok(())
}

#[tokio::test]
async fn every_type_of_event_can_be_tried_out() -> anyhow::Result<()> {
    let (_network, daemon, _device, sink) = delivering().await?;
    let (webhook, secret) = register(
        &daemon,
        &sink.url("/hook"),
        json!({ "eventTypes": ["quota.warning"] }),
    )
    .await?;
    for kind in [
        "message.accepted",
        "message.sent",
        "message.delivered",
        "message.read",
        "message.failed",
        "message.canceled",
        "message.received",
        "device.pairing",
        "device.connected",
        "device.degraded",
        "device.disconnected",
        "device.unlinked",
        "webhook.disabled",
        "quota.warning",
    ] {
        let path = format!("/v1/webhooks/{webhook}/test");
        let tested = daemon.http().post(&path, &json!({ "type": kind })).await?.ok()?;
        assert_eq!(
            (&tested["status"], &tested["code"]),
            (&json!("succeeded"), &json!(204))
        );
        let received = sink.received();
        let last = received.last().context("nothing came")?;
        assert_eq!(last.kind(), kind);
        assert!(is_genuine(last, &secret), "{kind}");
    }
    Ok(())
}

#[tokio::test]
async fn kills_in_the_middle_of_deliveries_lose_nothing_and_change_no_id() -> anyhow::Result<()> {
    let (_network, mut daemon, device, sink) = delivering().await?;
    register(&daemon, &sink.url("/hook"), json!({})).await?;
    // Every tenth request fails at first.
    sink.behave(|request| {
        let fails = request.repetition == 0 && request.id().ends_with('0');
        Reply::status(if fails { 500 } else { 200 })
    });
    for _ in 0..4 {
        let before = sink.count();
        send(&daemon, &device, 250).await?;
        eventually("some arrived", || async {
            Ok((sink.count() > before + 100).then_some(()))
        })
        .await?;
        daemon.kill().await?;
        daemon.restart().await?;
        daemon.device_becomes(&device, "connected").await?;
    }
    // Each event of the device has one number and one id, however often it came; everything up to this one's is there.
    let last = daemon.send_text(&device, CONTACT, "the last").await?;
    let complete = || {
        let mut ids: BTreeMap<u64, HashSet<String>> = BTreeMap::new();
        let mut until = None;
        for request in sink.received() {
            let data = request.json()["data"].take();
            let number = data["seq"].as_u64().unwrap_or_default();
            ids.entry(number).or_default().insert(request.id().to_owned());
            if request.kind() == "message.accepted" && data["messageId"] == *last {
                until = Some(number);
            }
        }
        assert!(ids.values().all(|ids| ids.len() == 1));
        let first = ids.keys().next().copied().unwrap_or_default();
        until.is_some_and(|until| (first..=until).all(|number| ids.contains_key(&number)))
    };
    eventually("nothing is missing", || async { Ok(complete().then_some(())) }).await?;
    assert!(distinct(&sink, "/hook", "message.accepted") > 1_000);
    Ok(())
}

#[tokio::test]
async fn a_dead_endpoint_is_left_alone_and_nobody_else_notices() -> anyhow::Result<()> {
    let (_network, daemon, device, sink) = delivering().await?;
    sink.behave(|request| {
        if request.path == "/dead" {
            Reply::Hang
        } else {
            Reply::status(200)
        }
    });
    let (dead, _) = register(&daemon, &sink.url("/dead"), json!({})).await?;
    register(&daemon, &sink.url("/fast"), json!({})).await?;
    send(&daemon, &device, 300).await?;
    wait_for(&sink, "/fast", "message.accepted", 300).await?;
    eventually("the dead one rests", || async {
        let webhook = daemon.http().get(&format!("/v1/webhooks/{dead}")).await?.ok()?;
        Ok((webhook["health"]["restingUntil"].is_string()).then_some(()))
    })
    .await?;
    for attempt in attempts(&daemon, &dead).await? {
        assert_eq!(attempt["error"], "timeout", "{attempt}");
    }
    sink.behave(|_| Reply::status(200));
    wait_for(&sink, "/dead", "message.accepted", 300).await
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_the_others_are_told() -> anyhow::Result<()> {
    let (_network, daemon, device, sink) = delivering().await?;
    sink.behave(|request| Reply::status(if request.path == "/gone" { 410 } else { 200 }));
    let (gone, _) = register(&daemon, &sink.url("/gone"), json!({})).await?;
    register(&daemon, &sink.url("/witness"), json!({})).await?;
    daemon.send_text(&device, CONTACT, "hello").await?;
    wait_for(&sink, "/witness", "webhook.disabled", 1).await?;
    let webhook = daemon.http().get(&format!("/v1/webhooks/{gone}")).await?.ok()?;
    assert_eq!(
        (&webhook["enabled"], &webhook["disabled"]["reason"]),
        (&json!(false), &json!("gone"))
    );
    // Repaired and enabled again it gets what it missed.
    sink.behave(|_| Reply::status(200));
    let enabled = json!({ "enabled": true });
    let path = format!("/v1/webhooks/{gone}");
    let request = daemon
        .http()
        .request(reqwest::Method::PATCH, &path)
        .json(&enabled);
    daemon.http().send(request).await?.ok()?;
    wait_for(&sink, "/gone", "message.read", 1).await
}

#[tokio::test]
async fn an_ordered_endpoint_gets_events_in_order_and_again_when_asked_for() -> anyhow::Result<()> {
    let (_network, daemon, device, sink) = delivering().await?;
    sink.behave(|request| {
        let fails = request.repetition == 0
            && request.json()["data"]["seq"]
                .as_u64()
                .is_some_and(|seq| seq % 7 == 0);
        Reply::status(if fails { 503 } else { 200 })
    });
    let wanted = json!({ "ordered": true, "eventTypes": ["message.accepted"] });
    let (webhook, _) = register(&daemon, &sink.url("/hook"), wanted).await?;
    send(&daemon, &device, 100).await?;
    wait_for(&sink, "/hook", "message.accepted", 100).await?;
    let numbers = || {
        let mut numbers: Vec<_> = sink
            .received()
            .iter()
            .map(|request| request.json()["data"]["seq"].as_u64())
            .collect();
        numbers.dedup();
        numbers
    };
    let first = numbers();
    assert!(first.is_sorted() && first.len() == 100, "{first:?}");

    sink.clear();
    sink.behave(|_| Reply::status(200));
    let from = json!({ "from": "2020-01-01T00:00:00Z" });
    let replay = daemon
        .http()
        .post(&format!("/v1/webhooks/{webhook}/replay"), &from)
        .await?;
    assert_eq!(replay.status, 202);
    let replay = replay.ok()?["id"].as_str().context("no id")?.to_owned();
    eventually("everything arrived again", || async {
        Ok((numbers().len() >= first.len()).then_some(()))
    })
    .await?;
    assert_eq!(numbers(), first);
    let path = format!("/v1/webhooks/{webhook}/replays/{replay}");
    let replay = daemon.http().get(&path).await?.ok()?;
    assert!(replay["endedAt"].is_string(), "{replay}");
    Ok(())
}

#[tokio::test]
async fn every_bad_answer_is_written_down_by_its_name() -> anyhow::Result<()> {
    let (_network, daemon, device, sink) = delivering().await?;
    let elsewhere = sink.url("/elsewhere");
    sink.behave(move |request| match request.path.as_str() {
        "/status" => Reply::Answer(500, Vec::new(), b"out of order".to_vec()),
        "/redirect" => Reply::Answer(307, vec![("location", elsewhere.clone())], Vec::new()),
        "/timeout" => Reply::Hang,
        "/broken" => Reply::Reset,
        "/later" if request.repetition == 0 => {
            Reply::Answer(429, vec![("retry-after", "2".to_owned())], Vec::new())
        }
        "/endless" => Reply::Endless,
        _ => Reply::status(200),
    });
    let mut webhooks = BTreeMap::new();
    for name in ["status", "redirect", "timeout", "broken", "later", "endless"] {
        let accepted = json!({ "eventTypes": ["message.accepted"] });
        let (webhook, _) = register(&daemon, &sink.url(&format!("/{name}")), accepted).await?;
        webhooks.insert(name, webhook);
    }
    daemon.send_text(&device, CONTACT, "hello").await?;
    for (name, webhook) in &webhooks {
        let first = eventually("it was tried", || async {
            Ok(attempts(&daemon, webhook).await?.last().cloned())
        })
        .await?;
        let failure = match *name {
            "later" => Some("status"),
            "endless" => None,
            name => Some(name),
        };
        assert_eq!(first["error"].as_str(), failure, "{name}: {first}");
    }
    let last = attempts(&daemon, &webhooks["status"]).await?;
    assert!(
        last.iter()
            .all(|attempt| attempt.to_string().contains("out of order"))
    );
    wait_for(&sink, "/later", "message.accepted", 1).await?;
    let both = || async {
        let received = sink.received();
        let mut times = received
            .iter()
            .filter(|request| request.path == "/later")
            .map(|request| request.at);
        Ok(times.next().zip(times.next()))
    };
    let (asked, again) = eventually("it was tried again", both).await?;
    assert!(again - asked >= Duration::from_millis(1_900));
    assert_eq!(distinct(&sink, "/elsewhere", "message.accepted"), 0);
    Ok(())
}

#[tokio::test]
async fn a_fresh_daemon_sends_nothing_to_its_own_network() -> anyhow::Result<()> {
    let (_network, daemon, _device) = linked().await?;
    let sink = WebhookSink::start().await?;
    for url in [
        sink.url("/"),
        sink.url("/").replace("http:", "https:"),
        "https://localhost/".to_owned(),
        "https://169.254.169.254/latest".to_owned(),
        "https://[::ffff:10.0.0.1]/".to_owned(),
        "https://2130706433/".to_owned(),
    ] {
        let refused = daemon.http().post("/v1/webhooks", &json!({ "url": url })).await?;
        assert_eq!(refused.status, 400, "{url}");
        assert_eq!(refused.json()?["error"]["details"][0]["field"], "url", "{url}");
    }
    assert_eq!(sink.count(), 0);
    Ok(())
}
