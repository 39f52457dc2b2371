//! Webhooks as an operator sees them: added, tried, watched, sent again, replaced, removed.

use postern_testkit::{DaemonOptions, Reply, TestDaemon, TestSandbox, WebhookSink, eventually};

use super::browser::{Scripts, in_browser};
use super::lived_in::LivedIn;
use super::visitor::Visitor;
use super::with_owner_and;
use crate::{CONTACT, OWNER};

const EVENT: &str = "evt_";

async fn at_work() -> anyhow::Result<(TestSandbox, TestDaemon, Visitor, WebhookSink)> {
    let options = DaemonOptions::default()
        .set("WEBHOOKS__ALLOW", "127.0.0.0/8")
        .set("WEBHOOKS__ALLOW_HTTP", "true")
        .set("WEBHOOKS__REST_LONGEST", "1")
        .set("WEBHOOKS__RETRY_SECONDS", "0,1");
    let (network, daemon, owner) = with_owner_and(options).await?;
    Ok((network, daemon, owner, WebhookSink::start().await?))
}

/// What an attribute of the first such thing in a page says.
fn attribute(page: &str, before: &str) -> String {
    let found = page.split_once(before).map(|(_, rest)| rest);
    found
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

/// Adds an endpoint as the form does; answers the path of its page, and its secret.
async fn add(owner: &Visitor, url: &str, more: &[(&str, &str)]) -> anyhow::Result<(String, String)> {
    let form = owner.get("/webhooks/new").await?.body;
    let id = attribute(&form, "name=\"id\" value=\"");
    let mut fields = vec![("id", id.as_str()), ("url", url)];
    fields.extend(more);
    let made = owner.post("/webhooks", &fields).await?;
    anyhow::ensure!(made.status == 200, "{}: {}", made.status, made.body);
    let secret = made.body.split_once("whsec_").map(|(_, rest)| rest);
    let secret = secret.and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let again = owner.post("/webhooks", &fields).await?;
    anyhow::ensure!(again.status == 303, "sent twice it makes one and shows no secret");
    Ok((format!("/webhooks/{id}"), format!("whsec_{secret}")))
}

/// A page once it says this.
async fn says(visitor: &Visitor, path: &str, words: &str) -> anyhow::Result<String> {
    eventually(&format!("{path} says {words}"), || async {
        let body = visitor.get(path).await?.body;
        Ok(body.contains(words).then_some(body))
    })
    .await
}

#[tokio::test]
async fn what_is_delivered_and_what_fails_can_be_read_and_sent_again() -> anyhow::Result<()> {
    let (network, daemon, owner, sink) = at_work().await?;
    assert!(owner.get("/webhooks").await?.body.contains("Add a webhook"));
    let (path, secret) = add(&owner, &sink.url("/hook"), &[("description", "Order updates")]).await?;
    assert_eq!(secret.len(), 50, "the secret is whole: {secret}");
    assert!(!owner.get(&path).await?.body.contains(&secret), "shown once");

    let device = daemon.link_device(&network, OWNER).await?;
    let message = daemon.send_text(&device, CONTACT, "Where is my order?").await?;
    daemon.message_reaches(&message, "read").await?;
    let page = says(&owner, &format!("{path}?status=succeeded"), "message.read").await?;
    assert!(
        says(&owner, "/webhooks", "delivering")
            .await?
            .contains("Order updates")
    );
    assert!(owner.get("/").await?.body.contains("The endpoint is fine"));

    let delivery = format!(
        "{path}/events/{EVENT}{}",
        attribute(&page, &format!("{path}/events/{EVENT}"))
    );
    let shown = owner.get(&delivery).await?.body;
    assert!(
        shown.contains("What is sent") && shown.contains("deviceId"),
        "{shown}"
    );
    let event = delivery.rsplit('/').next().unwrap_or_default();
    let times = || {
        sink.received()
            .iter()
            .filter(|request| request.id() == event)
            .count()
    };
    let before = times();
    let sent = owner.post(&format!("{path}/again"), &[("event", event)]).await?;
    assert_eq!(sent.location(), format!("{delivery}?done=again"));
    eventually("it came again", || async { Ok((times() > before).then_some(())) }).await?;

    sink.behave(|_| Reply::status(500));
    daemon.send_text(&device, CONTACT, "And now?").await?;
    says(&owner, &format!("{path}?status=failed"), "status 500").await?;
    let troubled = says(&owner, "/", "/webhooks/whk_").await?;
    assert!(!troubled.contains("The endpoint is fine"));
    says(&owner, &path, "Send them again").await?;
    sink.behave(|_| Reply::status(200));
    let replayed = owner.post(&format!("{path}/replay"), &[("failed", "1")]).await?;
    assert_eq!(
        replayed.location(),
        format!("{path}?done=replay"),
        "{}",
        replayed.body
    );
    let trail = owner.get("/activity").await?.body;
    assert!(trail.contains("added a webhook") && trail.contains("sent events to a webhook again"));
    assert!(!trail.contains(&secret));
    Ok(())
}

#[tokio::test]
async fn an_endpoint_is_changed_tried_paused_and_removed() -> anyhow::Result<()> {
    let (_network, _daemon, owner, sink) = at_work().await?;
    let types = [
        ("types", "some"),
        ("type", "message.read"),
        ("headers", "X-Tenant: 7"),
    ];
    let (path, secret) = add(&owner, &sink.url("/hook"), &types).await?;
    let page = owner.get(&path).await?.body;
    assert!(
        page.contains("message.read") && page.contains("X-Tenant"),
        "{page}"
    );

    let tried = owner
        .post(&format!("{path}/test"), &[("kind", "message.failed")])
        .await?;
    assert!(tried.body.contains("It arrived"), "{}", tried.body);
    let arrived = sink
        .received()
        .iter()
        .any(|request| request.kind() == "message.failed" && request.header("x-tenant") == "7");
    assert!(arrived, "with the header");

    let edited = [
        ("url", sink.url("/elsewhere")),
        ("types", "all".to_owned()),
        ("rate", "60".to_owned()),
    ];
    let edited: Vec<_> = edited
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let saved = owner.post(&format!("{path}/edit"), &edited).await?;
    assert_eq!(
        saved.location(),
        format!("{path}?done=hook-changed"),
        "{}",
        saved.body
    );
    let page = owner.get(&path).await?.body;
    assert!(
        page.contains("/elsewhere") && page.contains("60 a minute"),
        "{page}"
    );
    assert!(page.contains("X-Tenant"), "headers that are not named stay");

    for (verb, next) in [("pause", "/enable\""), ("enable", "/pause\"")] {
        assert_eq!(owner.post(&format!("{path}/{verb}"), &[]).await?.status, 303);
        assert!(owner.get(&path).await?.body.contains(next), "{verb}");
    }
    let as_of = attribute(&owner.get(&path).await?.body, "name=\"as-of\" value=\"");
    let fields = [("as-of", as_of.as_str()), ("overlap", "24")];
    let rotated = owner.post(&format!("{path}/secret"), &fields).await?;
    assert!(rotated.body.contains("whsec_") && !rotated.body.contains(&secret));
    let stale = owner.post(&format!("{path}/secret"), &fields).await?;
    assert_eq!(stale.status, 409, "the same form does not replace it twice");

    assert_eq!(owner.post(&format!("{path}/remove"), &[]).await?.status, 303);
    assert_eq!(owner.get(&path).await?.status, 404);
    let trail = owner.get("/activity").await?.body;
    assert_eq!(
        trail.matches("removed a webhook").count(),
        1,
        "one act is one row"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_field_and_nothing_is_stored() -> anyhow::Result<()> {
    let (_network, _daemon, owner, sink) = at_work().await?;
    let id = ("id", "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D");
    let url = sink.url("/hook");
    for (field, value, id_of_error) in [
        ("url", "not a url", "url-error"),
        ("rate", "0", "rate-error"),
        ("headers", "Host: elsewhere", "headers-error"),
        ("types", "some", "types-error"),
        ("devices", "some", "only-error"),
    ] {
        let fields = [id, (field, value), ("url", url.as_str())];
        let refused = owner.post("/webhooks", &fields).await?;
        assert_eq!(refused.status, 422, "{field}: {}", refused.body);
        let shown = refused.body.contains(&format!("id=\"{id_of_error}\""));
        assert!(shown, "{field}: {}", refused.body);
    }
    // Nobody listens on the port of another protocol.
    let nobody = ("url", "http://127.0.0.1:9/hook");
    let refused = owner.post("/webhooks", &[id, nobody]).await?;
    assert_eq!(refused.status, 422);
    assert!(
        refused.body.contains("did not pass the challenge"),
        "{}",
        refused.body
    );
    let cases = [
        vec![],
        vec![("from", "2026-12-02T00:00"), ("until", "2026-12-01T00:00")],
    ];
    for fields in cases {
        let refused = owner.post(&format!("/webhooks/{}/replay", id.1), &fields).await?;
        assert_eq!(refused.status, 409, "{}", refused.body);
    }
    assert!(
        owner
            .get("/webhooks")
            .await?
            .body
            .contains("Let your systems know")
    );
    Ok(())
}

#[tokio::test]
async fn an_endpoint_of_a_device_that_was_removed_gets_no_others_by_being_edited() -> anyhow::Result<()> {
    let (_network, daemon, owner, sink) = at_work().await?;
    let device = daemon.create_device().await?;
    let url = sink.url("/hook");
    let only = [("devices", "some"), ("only", device.as_str())];
    let (path, _) = add(&owner, &url, &only).await?;
    assert_eq!(
        owner
            .post(&format!("/devices/{device}/remove"), &[])
            .await?
            .status,
        303
    );
    says(&owner, &path, "a device that was removed").await?;

    let edit = format!("{path}/edit");
    let form = owner.get(&edit).await?.body;
    assert!(
        form.contains(&format!("value=\"{device}\" checked")),
        "it is still chosen: {form}"
    );
    let mut fields = vec![("url", url.as_str()), ("description", "corrected")];
    fields.extend(only);
    let saved = owner.post(&edit, &fields).await?;
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(owner.get(&path).await?.body.contains("a device that was removed"));
    fields.push(("only", "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D"));
    let unknown = owner.post(&edit, &fields).await?;
    assert_eq!(unknown.status, 422);
    assert!(unknown.body.contains("id=\"only-error\""), "{}", unknown.body);
    Ok(())
}

#[tokio::test]
async fn nothing_leaves_a_deactivated_workspace_for_an_operator_either() -> anyhow::Result<()> {
    let (_network, _daemon, owner, sink) = at_work().await?;
    let (path, _) = add(&owner, &sink.url("/hook"), &[]).await?;
    let workspace = attribute(&owner.get("/workspaces").await?.body, "id=\"row-");
    let stop = format!("/workspaces/{workspace}/deactivate");
    let stopped = owner.post(&stop, &[("reason", "unpaid invoice")]).await?;
    assert_eq!(stopped.status, 303, "{}", stopped.body);
    let before = sink.count();
    let elsewhere = sink.url("/elsewhere");
    let fields = [
        ("id", "whk_01JDXW6N4A7Q2M8Z5T9V3B1C0D"),
        ("url", elsewhere.as_str()),
        ("kind", "message.read"),
    ];
    for path in [
        format!("{path}/test"),
        format!("{path}/edit"),
        "/webhooks".to_owned(),
    ] {
        let refused = owner.post(&path, &fields).await?;
        assert_eq!(refused.status, 409, "{path}");
        assert!(refused.body.contains("nothing leaves it: unpaid"), "{path}");
    }
    assert_eq!(sink.count(), before);
    Ok(())
}

#[tokio::test]
async fn tries_are_filtered_without_loading_the_page_anew_and_a_test_is_asked_for_first() -> anyhow::Result<()>
{
    let house = LivedIn::start().await?;
    in_browser(Scripts::Run, async |browser| {
        house.log_in(browser).await?;
        house
            .open(browser, &format!("/webhooks/{}", house.webhook))
            .await?;
        browser.sees("#tries .attempt-row").await?;
        browser.mark().await?;
        browser.click(".tabs a:nth-child(2)").await?;
        browser.sees(".tabs a:nth-child(2)[aria-current]").await?;
        eventually("only those that failed are listed", || async {
            let (bad, good) = (
                browser.count(".attempt-row .badge.bad").await?,
                browser.count(".attempt-row .badge.good").await?,
            );
            Ok((bad > 0 && good == 0).then_some(()))
        })
        .await?;
        browser.is_still_marked().await?;
        browser.click("#ask-test").await?;
        browser.sees("#test:popover-open").await?;
        browser.click("#test button[type=submit]").await?;
        browser.reads("main h1", "Test").await?;
        browser.sees(".state-card.good").await
    })
    .await
}

#[tokio::test]
async fn a_plan_without_webhooks_says_so_and_what_happened_meanwhile_comes_after_it() -> anyhow::Result<()> {
    let (network, daemon, owner, sink) = at_work().await?;
    let (path, _) = add(&owner, &sink.url("/hook"), &[]).await?;
    daemon.link_device(&network, OWNER).await?;
    let own = daemon.http().get("/v1/workspace").await?.ok()?;
    let own = own["id"].as_str().unwrap_or_default();
    let put_on = async |plan: &str| {
        let fields = [("name", "Ours"), ("plan", plan)];
        let changed = owner.post(&format!("/workspaces/{own}/change"), &fields).await?;
        anyhow::ensure!(changed.status == 303, "{}", changed.body);
        Ok(())
    };
    put_on("free").await?;
    for page in ["/webhooks", path.as_str()] {
        let said = owner.get(page).await?.body;
        assert!(said.contains("The plan free has no webhooks"), "{page}: {said}");
    }
    network.write(CONTACT, OWNER, "is anybody there").await?;
    says(&owner, "/messages", "is anybody there").await?;
    put_on("pro").await?;
    eventually("it arrives", || async {
        let received = sink.received();
        let came = received
            .iter()
            .any(|request| request.kind() == "message.received");
        Ok(came.then_some(()))
    })
    .await?;
    assert!(!owner.get(&path).await?.body.contains("has no webhooks"));
    Ok(())
}
