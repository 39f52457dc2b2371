//! Live pages: what changed is sent, streams are few and end with their session, forms sent twice count once.

use futures_util::StreamExt as _;
use postern_testkit::{DaemonOptions, eventually};

use super::{OWNER_NAME, PASSWORD, with_owner, with_owner_and};
use crate::{CONTACT, OWNER};

#[tokio::test]
async fn a_stream_sends_what_changed_and_ends_with_its_session() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let mut visitor = owner.another();
    visitor.log_in(OWNER_NAME, PASSWORD).await?;
    let stream = visitor.stream("/devices/stream").await?;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut parts = stream.bytes_stream();
    let mut text = String::new();
    let mut made = false;
    let mut ended = false;
    while let Some(part) = tokio::time::timeout(postern_testkit::DEADLINE, parts.next()).await? {
        text.push_str(&String::from_utf8_lossy(&part?));
        if text.contains("Link your first WhatsApp account") && !made {
            made = true;
            daemon.create_device().await?;
        }
        if text.matches("event: live").count() >= 2 && !ended {
            assert!(
                text.contains("not linked") || text.contains("no account linked yet"),
                "{text}"
            );
            ended = true;
            visitor.post("/logout", &[]).await?;
        }
    }
    assert!(ended, "it ended before anything changed: {text}");
    Ok(())
}

#[tokio::test]
async fn there_are_no_more_streams_than_configured() -> anyhow::Result<()> {
    let (_network, _daemon, owner) =
        with_owner_and(DaemonOptions::default().set("DASHBOARD__STREAMS", "2")).await?;
    let first = owner.stream("/stream").await?;
    let second = owner.stream("/stream").await?;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(owner.stream("/stream").await?.status(), 503);
    drop(first);
    eventually("a place is free again", || async {
        let again = owner.stream("/stream").await?;
        Ok((again.status() == 200).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_message() -> anyhow::Result<()> {
    let (network, daemon, owner) = with_owner().await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let page = owner.get("/messages/new").await?.body;
    let at = page.find("value=\"msg_").expect("the form has an id") + 7;
    let id = &page[at..at + 30];
    let fields = [
        ("id", id),
        ("device", device.as_str()),
        ("to", CONTACT),
        ("body", "once"),
    ];
    let (one, two) = tokio::join!(owner.post("/messages", &fields), owner.post("/messages", &fields));
    let (one, two) = (one?, two?);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (303, 303));
    assert_eq!(one.location(), two.location());
    daemon.message_reaches(id, "read").await?;
    assert_eq!(network.received_by(CONTACT).await?.len(), 1);
    let trail = owner.get("/activity").await?.body;
    assert_eq!(trail.matches("sent a message").count(), 1);

    let mut other = fields;
    other[3].1 = "twice";
    assert_eq!(
        owner.post("/messages", &other).await?.status,
        409,
        "another text in the same form"
    );
    let mut bad = fields;
    bad[2].1 = "+1";
    let refused = owner.post("/messages", &bad).await?;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("to-error"), "the field is named");
    let mut old = fields;
    old[0].1 = "msg_01BX5ZZKBKACTAV9WEVGEMMVRZ";
    assert_eq!(owner.post("/messages", &old).await?.status, 400);
    Ok(())
}
