//! What each role may do, walked over the whole table of routes; and what is written down of what was done.

use postern_dashboard::{Need, ROUTES};
use postern_domain::Role;
use reqwest::Method;
use serde_json::json;

use super::visitor::Visitor;
use super::{OWNER_NAME, PASSWORD, with_owner};

async fn add(owner: &Visitor, name: &str, role: &str) -> anyhow::Result<Visitor> {
    let fields = [("name", name), ("password", PASSWORD), ("role", role)];
    let added = owner.post("/people", &fields).await?;
    anyhow::ensure!(added.location() == "/people?done=added", "{added:?}");
    let mut visitor = owner.another();
    visitor.log_in(name, PASSWORD).await?;
    Ok(visitor)
}

#[tokio::test]
async fn every_route_takes_its_role_and_no_lesser_one() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let people = [
        (None, owner.another()),
        (Some(Role::Viewer), add(&owner, "vera", "viewer").await?),
        (Some(Role::Operator), add(&owner, "otto", "operator").await?),
        (Some(Role::Owner), owner.clone()),
    ];
    let device = daemon.create_device().await?;
    // Those that end a session come last, of everybody.
    let (last, routes): (Vec<_>, Vec<_>) = ROUTES.iter().partition(|route| route.path == "/logout");
    for route in routes.into_iter().chain(last) {
        let id = match route.path {
            path if path.starts_with("/devices") => device.as_str(),
            path if path.starts_with("/people") => "opr_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
            path if path.starts_with("/webhooks") => "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
            path if path.starts_with("/keys") => "key_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
            path if path.starts_with("/workspaces") => "ws_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
            _ => "msg_01JDXW6N4A7Q2M8Z5T9V3B1C0D",
        };
        let path = route.path.replace("{id}", id).replace("{name}", "dashboard.css");
        let path = path.replace("{event}", "evt_01JDXW6N4A7Q2M8Z5T9V3B1C0D");
        for (role, visitor) in &people {
            let seen = if route.path.ends_with("/stream") {
                visitor.stream(&path).await?.status()
            } else if route.method == "GET" {
                visitor.get(&path).await?.status
            } else {
                visitor
                    .post(&path, &[("role", "viewer"), ("name", "x")])
                    .await?
                    .status
            };
            let what = format!("{} {} as {role:?}: {seen}", route.method, route.path);
            assert!(
                seen.as_u16() < 500 || seen == 503,
                "{what}\n{}",
                daemon.log().join("\n")
            );
            match (route.need, role) {
                (Need::Nobody, _) => assert_ne!(seen, 403, "{what}"),
                (Need::Role(_), None) => assert!(seen == 303 || seen == 401, "{what}"),
                (Need::Role(needed), Some(role)) if role.may(needed) => {
                    assert!(seen != 403 && seen != 401, "{what}");
                }
                (Need::Role(_), Some(_)) => assert_eq!(seen, 403, "{what}"),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_in_the_table_is_open_to_nobody() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    for visitor in [owner.clone(), owner.another()] {
        for path in [
            "/nowhere",
            "/people/new",
            "/devices/x/y/z",
            "/assets/",
            "/.env",
            "/..%2fetc",
        ] {
            assert_eq!(visitor.get(path).await?.status, 404, "{path}");
            assert_eq!(visitor.post(path, &[]).await?.status, 404, "{path}");
        }
        for route in ROUTES {
            let path = route.path.replace("{id}", "x").replace("{name}", "x");
            let known: Vec<_> = ROUTES.iter().filter(|other| other.path == route.path).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
                if known.iter().any(|route| route.method == method) {
                    continue;
                }
                let seen = visitor.call(method, &path).await?;
                assert!(seen == 404 || seen == 405, "{method} {path}: {seen}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_role_changes_at_once_and_the_last_owner_stays() -> anyhow::Result<()> {
    let (_network, _daemon, owner) = with_owner().await?;
    let otto = add(&owner, "otto", "operator").await?;
    let page = owner.get("/people").await?.body;
    let ids: Vec<_> = page
        .match_indices("/people/opr_")
        .map(|(at, _)| page[at + 8..at + 38].to_owned())
        .collect();
    let (ada, other) = (
        ids.first().cloned().unwrap_or_default(),
        ids.iter().find(|id| **id != ids[0]),
    );
    let other = other.cloned().unwrap_or_default();

    for (verb, fields) in [("role", vec![("role", "viewer")]), ("remove", vec![])] {
        let refused = owner.post(&format!("/people/{ada}/{verb}"), &fields).await?;
        assert_eq!(refused.status, 409, "{verb}: {}", refused.body);
        assert!(refused.body.contains("last owner"), "{verb}");
    }
    assert_eq!(otto.get("/devices/new").await?.status, 200);
    owner
        .post(&format!("/people/{other}/role"), &[("role", "viewer")])
        .await?;
    assert_eq!(
        otto.get("/devices/new").await?.status,
        403,
        "without another login"
    );
    owner.post(&format!("/people/{other}/remove"), &[]).await?;
    assert_eq!(otto.get("/").await?.status, 303, "logged out at once");
    assert_eq!(owner.get("/").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn what_is_done_is_written_down_with_it_and_what_is_refused_is_not() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let device = daemon.create_device().await?;
    let path = |verb: &str| format!("/devices/{device}/{verb}");
    assert_eq!(owner.post(&path("pause"), &[]).await?.status, 303);
    assert_eq!(
        owner.post(&path("reconnect"), &[]).await?.status,
        409,
        "it was never linked"
    );
    assert_eq!(owner.post(&path("remove"), &[("purge", "1")]).await?.status, 303);
    let wrong = [("name", OWNER_NAME), ("password", "not my password")];
    owner.another().post("/login", &wrong).await?;

    let trail = owner.get("/activity").await?.body;
    let places: Vec<_> = [
        "removed a device and its history",
        "paused a device",
        "logged in",
        "became the first owner",
    ]
    .map(|words| trail.find(words))
    .into_iter()
    .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "newest first: {places:?}"
    );
    assert!(!trail.contains("reconnected"), "nothing was done");
    assert!(trail.contains(&device) && trail.contains(OWNER_NAME));
    assert!(!trail.contains(PASSWORD) && !trail.contains("not my password"));
    Ok(())
}

#[tokio::test]
async fn what_programs_do_is_written_down_with_their_key() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let device = daemon.create_device().await?;
    let pacing = json!({ "pacing": { "messagesPerMinute": 6 } });
    let path = format!("/v1/devices/{device}");
    let paced = daemon.http().request(Method::PATCH, &path).json(&pacing);
    daemon.http().send(paced).await?.ok()?;
    let refused = daemon
        .http()
        .post(&format!("{path}/reconnect"), &json!({}))
        .await?;
    assert_eq!(refused.status, 409, "it was never linked");

    let trail = owner.get("/activity").await?.body;
    let last_four = &daemon.key()[daemon.key().len() - 4..];
    for words in ["created a device", "changed the pacing of a device", &device] {
        assert!(trail.contains(words), "{words}: {trail}");
    }
    assert!(trail.contains(&format!("API key …{last_four}")), "{trail}");
    assert!(!trail.contains("reconnected") && !trail.contains(daemon.key()));
    Ok(())
}
