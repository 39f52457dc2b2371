//! From `add` to `remove`: what each verb prints, and what has happened when it ends.

use std::collections::HashSet;

use postern_testkit::{TestDaemon, TestSandbox};
use serde_json::{Value, json};

use super::{device_command, done, refused, run};
use crate::{CONTACT, OWNER, linked, postern};

#[tokio::test]
async fn a_device_is_added_listed_and_shown() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let none = run(device_command(&daemon, &["list"])).await?;
    assert_eq!(
        (none.code, none.out.lines().count()),
        (Some(0), 1),
        "{}",
        none.out
    );
    assert!(none.err.contains("postern device add"), "{}", none.err);

    let added = run(device_command(&daemon, &["add", "support"])).await?;
    let id = added.out.trim_end();
    assert!(
        id.starts_with("dev_") && !id.contains(char::is_whitespace),
        "{id}"
    );
    assert!(
        added.err.contains(&format!("postern device pair {id}")),
        "{}",
        added.err
    );

    let list = done(&daemon, &["list"]).await?;
    let row: Vec<_> = list.lines().nth(1).unwrap_or_default().split("  ").collect();
    assert_eq!(row[..4], [id, "support", "unlinked", "new"], "{list}");

    for named in [id, "support"] {
        let shown = done(&daemon, &["show", named]).await?;
        assert!(shown.contains(id) && shown.contains("unlinked (new)"), "{shown}");
        assert!(
            shown.contains("Pair it. Run `postern device pair support`."),
            "{shown}"
        );
        let json: Value = serde_json::from_str(&done(&daemon, &["show", named, "--json"]).await?)?;
        let api = daemon.http().get(&format!("/v1/devices/{id}")).await?.ok()?;
        assert_eq!(json, api);
    }
    Ok(())
}

#[tokio::test]
async fn a_list_has_every_page() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    // One more than the API puts on its largest page.
    for number in 0..201 {
        let body = json!({ "name": format!("device {number}") });
        daemon.http().post("/v1/devices", &body).await?.ok()?;
    }
    let list: Value = serde_json::from_str(&done(&daemon, &["list", "--json"]).await?)?;
    let field = |name: &'static str| {
        let devices = list["data"].as_array().into_iter().flatten();
        devices.map(move |device| device[name].as_str().unwrap_or_default())
    };
    let names: HashSet<_> = field("name").collect();
    assert_eq!((names.len(), field("id").count()), (201, 201), "each once");
    assert!(field("id").is_sorted_by(|newer, older| newer > older));
    assert_eq!(list["nextCursor"], Value::Null);
    assert_eq!(done(&daemon, &["list"]).await?.lines().count(), 202);
    let oldest = done(&daemon, &["show", "device 0"]).await?;
    assert!(oldest.contains("device 0"), "names are looked for on every page");
    Ok(())
}

#[tokio::test]
async fn a_paused_device_is_offline_until_it_is_resumed() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let paused = done(&daemon, &["pause", "test"]).await?;
    assert_eq!(paused, format!("test ({device}) is disconnected (stopped)\n"));
    let state = daemon.http().get(&format!("/v1/devices/{device}")).await?.ok()?;
    assert_eq!(state["reason"], "stopped", "it waited until it was so");
    let again = done(&daemon, &["pause", "test"]).await?;
    assert_eq!(again, paused);

    let resumed = done(&daemon, &["resume", "test"]).await?;
    assert_eq!(
        resumed,
        format!("test ({device}) is connected (healthy) as {OWNER}\n")
    );
    let state = daemon.http().get(&format!("/v1/devices/{device}")).await?.ok()?;
    assert_eq!(state["state"], "connected");

    let asked = run(device_command(&daemon, &["pause", "test", "--wait", "0"])).await?;
    assert_eq!(asked.code, Some(0));
    assert!(asked.err.contains("the state follows"), "{}", asked.err);
    daemon.device_becomes(&device, "disconnected").await?;
    Ok(())
}

#[tokio::test]
async fn a_device_that_is_not_linked_cannot_be_resumed() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    daemon.create_device().await?;
    let error = refused(&daemon, &["resume", "test"], 1).await?;
    assert!(error.contains("unlinked (new)"), "{error}");
    assert!(error.contains("postern device pair test"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_reconnected_device_has_a_new_connection() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let path = format!("/v1/devices/{device}");
    let before = daemon.http().get(&path).await?.ok()?;
    let reconnected = done(&daemon, &["reconnect", "test"]).await?;
    assert_eq!(
        reconnected,
        format!("test ({device}) is connected (healthy) as {OWNER}\n")
    );
    let after = daemon.http().get(&path).await?.ok()?;
    assert_eq!(after["state"], "connected");
    assert_ne!(after["since"], before["since"], "it was away in between");
    Ok(())
}

#[tokio::test]
async fn a_logged_out_device_stays_and_can_be_linked_again() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let logged_out = done(&daemon, &["logout", "test"]).await?;
    assert_eq!(logged_out, format!("test ({device}) is unlinked (logged_out)\n"));
    let unlink = network
        .http()
        .post(&format!("/phones/{OWNER}/unlink"), &json!({}))
        .await?;
    assert_eq!(unlink.status, 409, "the phone lists it no more");
    daemon.pair(&network, &device, OWNER).await?;
    Ok(())
}

#[tokio::test]
async fn a_removed_device_is_gone_and_its_messages_stay() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let message = daemon.send_text(&device, CONTACT, "kept").await?;
    daemon.message_reaches(&message, "read").await?;
    let removed = done(&daemon, &["remove", "test", "--yes"]).await?;
    assert_eq!(removed, format!("test ({device}) is removed\n"));
    let http = daemon.http();
    assert_eq!(http.get(&format!("/v1/devices/{device}")).await?.status, 404);
    assert_eq!(http.get(&format!("/v1/messages/{message}")).await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_purged_device_takes_its_messages_along() -> anyhow::Result<()> {
    let (_network, daemon, device) = linked().await?;
    let message = daemon.send_text(&device, CONTACT, "erased").await?;
    daemon.message_reaches(&message, "read").await?;
    done(&daemon, &["remove", "test", "--purge", "--yes"]).await?;
    let path = format!("/v1/messages/{message}");
    postern_testkit::eventually("its messages are gone", || async {
        Ok((daemon.http().get(&path).await?.status == 404).then_some(()))
    })
    .await
}
