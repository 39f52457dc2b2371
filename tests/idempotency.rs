//! The same Idempotency-Key twice, fifty times at once, with another body, across a restart: one message.

use postern_testkit::{Answer, TestDaemon, text};
use reqwest::Method;
use serde_json::Value;

use crate::{CONTACT, linked};

async fn post(daemon: &TestDaemon, key: &str, body: &Value) -> anyhow::Result<Answer> {
    let request = daemon
        .http()
        .request(Method::POST, "/v1/messages")
        .header("Idempotency-Key", key)
        .json(body);
    daemon.http().send(request).await
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_byte_for_byte_even_after_a_kill() -> anyhow::Result<()> {
    let (network, mut daemon, device) = linked().await?;
    let body = text(&device, CONTACT, "once");
    let first = post(&daemon, "order-1", &body).await?;
    assert_eq!(first.status, 202);
    assert_eq!(first.header("idempotency-replayed"), "");
    let second = post(&daemon, "order-1", &body).await?;
    assert_eq!((second.status, &second.body), (first.status, &first.body));
    assert_eq!(second.header("idempotency-replayed"), "true");

    daemon.kill().await?;
    daemon.restart().await?;
    let third = post(&daemon, "order-1", &body).await?;
    assert_eq!((third.status, &third.body), (first.status, &first.body));

    let conflict = post(&daemon, "order-1", &text(&device, CONTACT, "another")).await?;
    assert_eq!(conflict.status, 409);
    assert_eq!(conflict.json()?["error"]["code"], "IDEMPOTENCY_CONFLICT");

    let id = first.json()?["id"].as_str().unwrap_or_default().to_owned();
    daemon.message_reaches(&id, "read").await?;
    assert_eq!(network.received_by(CONTACT).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn fifty_at_once_make_one_message() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let body = text(&device, CONTACT, "one of fifty");
    let answers = futures_util::future::try_join_all((0..50).map(|_| post(&daemon, "same", &body))).await?;
    let firsts = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed").is_empty())
        .count();
    assert_eq!(firsts, 1);
    for answer in &answers {
        assert_eq!(
            (answer.status, &answer.body),
            (answers[0].status, &answers[0].body)
        );
    }
    let id = answers[0].json()?["id"].as_str().unwrap_or_default().to_owned();
    daemon.message_reaches(&id, "read").await?;
    assert_eq!(network.received_by(CONTACT).await?.len(), 1);
    let page = daemon.http().get("/v1/messages").await?.ok()?;
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    Ok(())
}
