//! The example consumers of webhooks: what they take, what they refuse, and that a daemon's events reach them.

mod consumer;

use anyhow::Context as _;
use postern_runtime::{Clock as _, SystemClock};
use postern_testkit::{TestDaemon, TestSandbox};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::process::Command;

use self::consumer::{Consumer, Kind, installed};
use crate::webhook_commands::{done, loopback_allowed, secret_of};
use crate::{CONTACT, OWNER, postern};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn event() -> String {
    let data = json!({ "messageId": "msg_1", "deviceId": "dev_1", "seq": 7 });
    json!({ "type": "message.sent", "timestamp": "2026-12-01T09:00:00.000Z", "data": data }).to_string()
}

fn challenge() -> String {
    json!({ "type": "webhook.challenge", "data": { "token": "t0k3n" } }).to_string()
}

/// The headers of a body that was sent some seconds ago, with a signature of each secret.
fn signed(
    secrets: &[&str],
    id: &str,
    body: &str,
    seconds_ago: i64,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let time = SystemClock.now().as_millis() / 1_000 - seconds_ago;
    let mut signatures = Vec::new();
    for secret in secrets {
        signatures.push(Webhook::new(secret)?.sign(id, time, body.as_bytes())?);
    }
    Ok(vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", time.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ])
}

fn token(answer: &str) -> Value {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    answer["token"].clone()
}

#[tokio::test]
async fn without_a_secret_only_a_challenge_is_answered() -> anyhow::Result<()> {
    for kind in installed() {
        let consumer = Consumer::start(kind, None, 0).await?;
        let (status, answer) = consumer.post(&challenge(), &[]).await?;
        assert_eq!((status, token(&answer)), (200, json!("t0k3n")), "{kind:?}");
        for body in [event().as_str(), "no JSON", "[]", "null"] {
            assert_eq!(consumer.post(body, &[]).await?.0, 503, "{kind:?} {body}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_signed_is_taken_once_and_nothing_else() -> anyhow::Result<()> {
    for kind in installed() {
        let mut consumer = Consumer::start(kind, Some(SECRET), 0).await?;
        let (event, first) = (event(), "evt_first");
        let forged = event.replace("msg_1", "msg_2");
        let honest = signed(&[SECRET], first, &event, 0)?;
        for (why, body, headers) in [
            ("no signature", &event, Vec::new()),
            ("another secret", &event, signed(&[OTHER], first, &event, 0)?),
            ("another body", &forged, honest.clone()),
            (
                "another id",
                &event,
                [
                    signed(&[SECRET], "evt_x", &event, 0)?,
                    vec![("webhook-id", first.to_owned())],
                ]
                .concat(),
            ),
            ("too old", &event, signed(&[SECRET], first, &event, 400)?),
            ("too new", &event, signed(&[SECRET], first, &event, -400)?),
            ("an unsigned challenge", &challenge(), Vec::new()),
        ] {
            assert_eq!(consumer.post(body, &headers).await?.0, 401, "{kind:?}: {why}");
        }
        let (status, answer) = consumer
            .post(&challenge(), &signed(&[SECRET], "evt_c", &challenge(), 0)?)
            .await?;
        assert_eq!((status, token(&answer)), (200, json!("t0k3n")), "{kind:?}");

        assert_eq!(consumer.post(&event, &honest).await?.0, 204, "{kind:?}");
        assert_eq!(
            consumer.post(&event, &honest).await?.0,
            204,
            "{kind:?}: it came already"
        );
        // While the secret is replaced there is a signature of each.
        let both = signed(&[OTHER, SECRET], "evt_second", &event, 0)?;
        assert_eq!(consumer.post(&event, &both).await?.0, 204, "{kind:?}");
        for id in [first, "evt_second"] {
            assert_eq!(
                consumer.worked().await?,
                format!("message.sent {id} dev_1 7"),
                "{kind:?}"
            );
        }
        let huge = "x".repeat(1024 * 1024 + 1);
        // Some clients are told while they still write, and see a broken connection.
        let refused = consumer.post(&huge, &[]).await;
        assert!(
            refused.is_err() || refused.is_ok_and(|(status, _)| status == 413),
            "{kind:?}"
        );
    }
    Ok(())
}

/// The request that the page on webhooks makes by hand, as a reader would type it.
#[tokio::test]
async fn a_request_made_by_hand_is_taken() -> anyhow::Result<()> {
    let page = include_str!("../docs/webhooks.md");
    let (_, script) = page.split_once("```sh\nsecret=").context("the script")?;
    let (script, _) = script.split_once("```").context("its end")?;
    for kind in installed() {
        let mut consumer = Consumer::start(kind, Some(SECRET), 0).await?;
        let script =
            format!("set -euo pipefail\nsecret={script}").replace("http://127.0.0.1:3000", &consumer.url);
        let output = Command::new("bash").args(["-c", &script]).output().await?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.trim(), "204", "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(consumer.worked().await?, "message.sent evt_by_hand - -");
    }
    Ok(())
}

/// The three steps at the head of each example, as a reader would do them.
#[tokio::test]
async fn events_of_a_daemon_reach_each_consumer() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start_with(&postern(), &network, loopback_allowed()).await?;
    let device = daemon.link_device(&network, OWNER).await?;
    for kind in installed() {
        registered_and_sent_to(kind, &daemon, &device).await?;
    }
    Ok(())
}

async fn registered_and_sent_to(kind: Kind, daemon: &TestDaemon, device: &str) -> anyhow::Result<()> {
    let unknowing = Consumer::start(kind, None, 0).await?;
    let (url, port) = (format!("{}/postern", unknowing.url), unknowing.port()?);
    let added = done(daemon, &["add", &url, "--types", "message.accepted,message.read"]).await?;
    drop(unknowing);

    let mut consumer = eventually_on(kind, &secret_of(&added)?, port).await?;
    done(daemon, &["test", &url, "--type", "message.accepted"]).await?;
    assert!(consumer.worked().await?.starts_with("message.accepted evt_"));

    let text = json!({ "deviceId": device, "to": CONTACT, "type": "text", "text": { "body": "hi" } });
    daemon.http().post("/v1/messages", &text).await?.ok()?;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let line = consumer.worked().await?;
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[2], device, "{line}");
        seen.push(words[0].to_owned());
    }
    seen.sort_unstable();
    assert_eq!(seen, ["message.accepted", "message.read"], "{kind:?}");
    done(daemon, &["remove", &url, "--yes"]).await?;
    Ok(())
}

/// The port of the one before is free in a moment.
async fn eventually_on(kind: Kind, secret: &str, port: u16) -> anyhow::Result<Consumer> {
    postern_testkit::eventually("the port is free", || async {
        Ok(Consumer::start(kind, Some(secret), port).await.ok())
    })
    .await
}
