//! What operators set, and what they read of how the daemon is set up: pacing, times to send at, settings.

use anyhow::Context as _;

use super::{with_owner, with_owner_and};
use crate::{CONTACT, OWNER};
use postern_testkit::DaemonOptions;

#[tokio::test]
async fn a_device_gets_a_pacing_of_its_own_and_gives_it_back() -> anyhow::Result<()> {
    let (_network, daemon, owner) = with_owner().await?;
    let device = daemon.create_device().await?;
    let path = format!("/devices/{device}/pacing");
    assert!(owner.get(&path).await?.body.contains("The default is"));
    let stored = async || -> anyhow::Result<serde_json::Value> {
        let shown = daemon.http().get(&format!("/v1/devices/{device}")).await?.ok()?;
        Ok(shown["pacing"].clone())
    };
    let fields = [
        ("own", "1"),
        ("messagesPerMinute", "12"),
        ("burst", "3"),
        ("jitterPercent", "30"),
        ("newRecipientsPerDay", ""),
        ("from", "22:00"),
        ("until", "07:00"),
        ("typingMs", "500"),
        ("timeZone", "Europe/Berlin"),
    ];
    let saved = owner.post(&path, &fields).await?;
    assert_eq!(
        saved.location(),
        format!("/devices/{device}?done=paced"),
        "{}",
        saved.body
    );
    let pacing = stored().await?;
    assert_eq!(pacing["messagesPerMinute"], 12, "{pacing}");
    assert_eq!(pacing["quietHours"]["from"], "22:00", "{pacing}");
    assert!(pacing["newRecipientsPerDay"].is_null(), "{pacing}");
    let page = owner.get(&format!("/devices/{device}")).await?.body;
    assert!(
        page.contains("22:00 to 07:00") && page.contains("Europe/Berlin"),
        "{page}"
    );

    for (field, wrong) in [
        ("burst", "0"),
        ("messagesPerMinute", "many"),
        ("timeZone", "Here"),
        ("until", ""),
    ] {
        let changed = fields.map(|(name, value)| (name, if name == field { wrong } else { value }));
        let refused = owner.post(&path, &changed).await?;
        assert_eq!(refused.status, 422, "{field}: {}", refused.body);
        let named = if field == "until" { "from" } else { field };
        assert!(
            refused.body.contains(&format!("id=\"{named}-error\"")),
            "{field}: {}",
            refused.body
        );
    }
    assert_eq!(stored().await?, pacing, "what is refused changes nothing");
    assert_eq!(owner.post(&path, &[("own", "all")]).await?.status, 303);
    assert!(stored().await?.is_null());
    Ok(())
}

#[tokio::test]
async fn a_message_is_told_when_to_leave_in_the_time_of_the_browser() -> anyhow::Result<()> {
    let (network, daemon, owner) = with_owner().await?;
    let device = daemon.link_device(&network, OWNER).await?;
    let form = owner.get("/messages/new").await?.body;
    let id = form.split_once("name=\"id\" value=\"").context("no form")?.1;
    let id = id.split('"').next().unwrap_or_default().to_owned();
    let shown = daemon.http().get(&format!("/v1/devices/{device}")).await?.ok()?;
    let made = chrono::DateTime::parse_from_rfc3339(shown["createdAt"].as_str().context("no time")?)?;
    let tomorrow = made + chrono::TimeDelta::days(1);
    let local = (tomorrow + chrono::TimeDelta::hours(2))
        .format("%Y-%m-%dT%H:%M")
        .to_string();
    let with = |at: String| {
        let fields = [
            ("id", id.clone()),
            ("device", device.clone()),
            ("to", CONTACT.to_owned()),
        ];
        let more = [
            ("body", "See you".to_owned()),
            ("at-offset", "-120".to_owned()),
            ("at", at),
        ];
        fields.into_iter().chain(more).collect::<Vec<_>>()
    };
    for wrong in ["2020-01-01T00:00", "2099-01-01T00:00", "soon"] {
        let fields = with(wrong.to_owned());
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(owner.post("/messages", &fields).await?.status, 422, "{wrong}");
    }
    let fields = with(local);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sent = owner.post("/messages", &fields).await?;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let stored = daemon.http().get(&format!("/v1/messages/{id}")).await?.ok()?;
    assert_eq!(stored["status"], "scheduled", "{stored}");
    let at = tomorrow.format("%Y-%m-%dT%H:%M").to_string();
    let told = stored["scheduledFor"].as_str().unwrap_or_default();
    assert!(told.starts_with(&at), "{told} is {at} in UTC");
    Ok(())
}

#[tokio::test]
async fn settings_are_read_with_what_was_changed_and_where_the_files_are() -> anyhow::Result<()> {
    let secret = "0123456789abcdef".repeat(4);
    let options = DaemonOptions::default()
        .set("DATA__READERS", "7")
        .set("DATA__SECRETS_KEY", &secret);
    let (_network, _daemon, owner) = with_owner_and(options).await?;
    let page = owner.get("/settings").await?.body;
    for words in [
        "data.readers",
        ">7<",
        "postern.db",
        "keys.db",
        "Threads that answer queries",
        "enterprise",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        page.contains("data.secrets_key") && !page.contains(&secret),
        "it is no page for secrets"
    );
    Ok(())
}
