//! Workspaces as an operator sees them: one at a time, and nothing of the others; made and switched off by the owner.

use anyhow::Context as _;

use super::visitor::Visitor;
use super::with_owner;
use crate::{CONTACT, OWNER};

/// Makes a workspace as the form does; answers its id.
async fn make(owner: &Visitor, name: &str, plan: &str) -> anyhow::Result<String> {
    let form = owner.get("/workspaces").await?.body;
    let id = form.split_once("name=\"id\" value=\"").context("no form")?.1;
    let id = id.split('"').next().unwrap_or_default().to_owned();
    let fields = [("id", id.as_str()), ("name", name), ("plan", plan)];
    let made = owner.post("/workspaces", &fields).await?;
    anyhow::ensure!(
        made.status == 200 && made.body.contains("sk_test_"),
        "{}",
        made.body
    );
    anyhow::ensure!(
        owner.post("/workspaces", &fields).await?.status == 303,
        "sent twice it makes one"
    );
    Ok(id)
}

/// The same person looking at another workspace.
async fn looking_at(visitor: &Visitor, workspace: &str) -> anyhow::Result<Visitor> {
    let chosen = visitor
        .post("/workspaces/choose", &[("workspace", workspace)])
        .await?;
    anyhow::ensure!(chosen.location() == "/", "{chosen:?}");
    let cookie = chosen
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut other = visitor.clone();
    other.cookie = other.cookie.map(|session| format!("{session}; {cookie}"));
    Ok(other)
}

#[tokio::test]
async fn one_workspace_is_seen_at_a_time_and_nothing_of_the_others() -> anyhow::Result<()> {
    let (network, daemon, owner) = with_owner().await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let message = daemon.send_text(&device, CONTACT, "Only for the first").await?;
    let other = make(&owner, "ACME", "starter").await?;
    let there = looking_at(&owner, &other).await?;

    for path in ["/devices", "/messages", "/", "/webhooks", "/keys", "/usage"] {
        let page = there.get(path).await?.body;
        assert!(page.contains("ACME"), "{path} says where one is");
        assert!(
            !page.contains(&device) && !page.contains("Only for the first"),
            "{path}"
        );
    }
    for path in [format!("/devices/{device}"), format!("/messages/{message}")] {
        assert_eq!(there.get(&path).await?.status, 404, "{path}");
        assert_eq!(owner.get(&path).await?.status, 200, "{path}");
    }
    for verb in ["pause", "rename", "remove", "logout"] {
        let done = there
            .post(&format!("/devices/{device}/{verb}"), &[("name", "x")])
            .await?;
        assert_eq!(done.status, 404, "{verb}");
    }
    let made = there.post("/devices", &[("name", "Theirs")]).await?;
    assert_eq!(made.status, 303);
    let theirs = made
        .location()
        .trim_start_matches("/devices/")
        .split(['/', '?'])
        .next();
    let theirs = theirs.filter(|id| id.starts_with("dev_")).context("a device")?;
    assert!(there.get("/activity").await?.body.contains(theirs));
    assert!(!owner.get("/activity").await?.body.contains(theirs));
    assert!(!owner.get("/devices").await?.body.contains("Theirs"));
    let second = there.post("/devices", &[("name", "One too many")]).await?;
    assert_eq!(second.status, 409, "the plan allows one: {}", second.body);
    Ok(())
}

#[tokio::test]
async fn what_is_done_to_a_workspace_is_in_its_own_activity() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    let other = make(&owner, "ACME", "starter").await?;
    let reason = [("reason", "unpaid")];
    let path = format!("/workspaces/{other}/deactivate");
    assert_eq!(owner.post(&path, &reason).await?.status, 303);
    let there = looking_at(&owner, &other).await?.get("/activity").await?.body;
    let here = owner.get("/activity").await?.body;
    for act in ["made a workspace", "deactivated a workspace"] {
        assert!(there.contains(act) && !here.contains(act), "{act}");
    }
    Ok(())
}

#[tokio::test]
async fn a_form_makes_nothing_in_another_workspace_than_it_was_filled_in_for() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    let other = make(&owner, "ACME", "starter").await?;
    let there = looking_at(&owner, &other).await?;
    let form = owner.get("/devices/new").await?.body;
    let seen = form
        .split_once("name=\"workspace-seen\" value=\"")
        .context("no field")?
        .1;
    let seen = seen.split('"').next().unwrap_or_default();
    let fields = [("name", "Astray"), ("workspace-seen", seen)];
    assert_eq!(there.post("/devices", &fields).await?.status, 409);
    assert!(!there.get("/devices").await?.body.contains("Astray"));
    assert_eq!(owner.post("/devices", &fields).await?.status, 303);

    let key = [
        ("id", "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        ("name", "Twice"),
        ("scope", "messages:read"),
    ];
    assert_eq!(owner.post("/keys", &key).await?.status, 200);
    let taken = there.post("/keys", &key).await?;
    assert_eq!(taken.status, 409, "an id is given once: {}", taken.body);
    Ok(())
}

#[tokio::test]
async fn a_workspace_that_is_switched_off_accepts_nothing_and_says_so() -> anyhow::Result<()> {
    let (network, daemon, owner) = with_owner().await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let page = owner.get("/workspaces").await?.body;
    let own = page.split_once("id=\"row-").context("no row")?.1;
    let own = own.split('"').next().unwrap_or_default().to_owned();
    let path = |verb: &str| format!("/workspaces/{own}/{verb}");

    assert_eq!(
        owner.post(&path("deactivate"), &[("reason", "")]).await?.status,
        409
    );
    let reason = ("reason", "unpaid invoice 2026-10");
    assert_eq!(owner.post(&path("deactivate"), &[reason]).await?.status, 303);
    assert!(
        owner.get("/devices").await?.body.contains(reason.1),
        "every page says so"
    );
    let form = owner.get("/messages/new").await?.body;
    let id = form.split_once("name=\"id\" value=\"").context("no form")?.1;
    let id = id.split('"').next().unwrap_or_default().to_owned();
    let fields = [
        ("id", id.as_str()),
        ("device", device.as_str()),
        ("to", CONTACT),
        ("body", "hello"),
    ];
    let refused = owner.post("/messages", &fields).await?;
    assert_eq!(refused.status, 409);
    for part in ["accepts no messages", reason.1, "activate it under Workspaces"] {
        assert!(refused.body.contains(part), "{part}: {}", refused.body);
    }
    assert_eq!(
        owner.get(&format!("/messages/{id}")).await?.status,
        404,
        "nothing is stored"
    );
    let answer = daemon.http().get("/v1/devices").await?;
    assert_eq!(answer.status, 403, "the API knows at once");

    assert_eq!(owner.post(&path("activate"), &[]).await?.status, 303);
    assert_eq!(owner.post("/messages", &fields).await?.status, 303);
    daemon.message_reaches(&id, "read").await?;
    assert_eq!(
        network.received_by(CONTACT).await?.len(),
        1,
        "the refused one never leaves"
    );
    let changed = [("name", "Ours"), ("plan", "pro")];
    assert_eq!(owner.post(&path("change"), &changed).await?.status, 303);
    let page = owner.get("/workspaces").await?.body;
    assert!(page.contains("Ours") && page.contains("plan pro"), "{page}");
    let wrong = [("name", "Ours"), ("plan", "nothing")];
    assert_eq!(owner.post(&path("change"), &wrong).await?.status, 400);
    Ok(())
}
