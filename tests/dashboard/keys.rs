//! API keys as an owner makes, rotates and ends them: each works as it says, from the next request on.

use anyhow::Context as _;
use postern_testkit::TestDaemon;

use super::visitor::Visitor;
use super::with_owner;

/// What stands between two marks of a page.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let rest = page.split_once(before).map_or("", |(_, rest)| rest);
    rest.split_once(after).map_or("", |(found, _)| found)
}

/// The key that a page shows.
fn shown(page: &str) -> anyhow::Result<String> {
    let digits = page.split_once("sk_test_").context("no key is shown")?.1;
    Ok(format!("sk_test_{}", digits.chars().take(48).collect::<String>()))
}

/// How the API answers this key.
async fn status(daemon: &TestDaemon, owner: &Visitor, key: &str, path: &str) -> anyhow::Result<u16> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{}/v1/{path}", owner.base);
    let answer = client.get(url).bearer_auth(key).send().await;
    Ok(answer.with_context(|| daemon.log().join("\n"))?.status().as_u16())
}

#[tokio::test]
async fn a_key_is_shown_once_does_what_it_may_and_ends_at_once() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let form = owner.get("/keys/new").await?.body;
    let id = between(&form, "name=\"id\" value=\"", "\"").to_owned();
    let fields = [
        ("id", id.as_str()),
        ("name", "Order worker"),
        ("scope", "messages:read"),
        ("scope", "usage:read"),
        ("networks", "127.0.0.0/8 ::1"),
    ];
    let made = owner.post("/keys", &fields).await?;
    assert_eq!(made.status, 200, "{}", made.body);
    let key = shown(&made.body)?;
    let trial = format!("curl '{}/v1/messages?limit=1'", owner.base);
    assert!(made.body.contains(&trial), "{}", made.body);
    assert_eq!(
        owner.post("/keys", &fields).await?.location(),
        "/keys",
        "sent twice it makes one"
    );

    assert_eq!(status(&daemon, &owner, &key, "usage").await?, 200);
    assert_eq!(
        status(&daemon, &owner, &key, "devices").await?,
        403,
        "no more than it may"
    );
    let list = owner.get("/keys").await?.body;
    assert!(list.contains("Order worker") && list.contains(&key[52..]) && !list.contains(&key));
    assert!(list.contains("127.0.0.0/8"), "{list}");

    let new = between(&list, "name=\"new\" value=\"", "\"");
    let fields = [("new", new), ("overlap", "3600")];
    let rotated = owner.post(&format!("/keys/{id}/rotate"), &fields).await?;
    let successor = shown(&rotated.body)?;
    assert_ne!(successor, key);
    for valid in [&key, &successor] {
        assert_eq!(
            status(&daemon, &owner, valid, "usage").await?,
            200,
            "both for a while"
        );
    }
    let again = owner.post(&format!("/keys/{id}/rotate"), &fields).await?;
    assert_eq!(again.location(), "/keys", "sent twice it rotates once");

    assert_eq!(owner.post(&format!("/keys/{id}/revoke"), &[]).await?.status, 303);
    assert_eq!(status(&daemon, &owner, &key, "usage").await?, 401, "at once");
    assert_eq!(status(&daemon, &owner, &successor, "usage").await?, 200);
    let trail = owner.get("/activity").await?.body;
    for words in ["made an API key", "rotated an API key", "revoked an API key"] {
        assert_eq!(trail.matches(words).count(), 1, "{words}");
    }
    assert!(!trail.contains(&key));
    Ok(())
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    let fine = [
        ("name", "x"),
        ("scope", "admin"),
        ("id", "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
    ];
    for (wrong, said) in [
        (("name", ""), "must not be empty"),
        (("scope", "everything"), "is not a scope"),
        (("networks", "here"), "must be an address or a network"),
        (("expires", "2020-01-01T00:00"), "must be in the future"),
    ] {
        let rest = fine.iter().filter(|(name, _)| *name != wrong.0).copied();
        let fields: Vec<_> = std::iter::once(wrong).chain(rest).collect();
        let refused = owner.post("/keys", &fields).await?;
        assert_eq!(refused.status, 422, "{wrong:?}: {}", refused.body);
        assert!(refused.body.contains(said), "{wrong:?}: {}", refused.body);
    }
    assert!(
        !owner
            .get("/keys")
            .await?
            .body
            .contains("key_01JDXW6N4A7Q2M8Z5T9V3B1C0D")
    );
    Ok(())
}
