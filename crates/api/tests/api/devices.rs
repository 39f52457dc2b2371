//! Devices: created, read, paired, paused, removed.

use postern_domain::session::Signal;
use postern_domain::{Account, Intent};
use postern_runtime::{Clock as _, SystemClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{TestApi, text_to};

#[tokio::test]
async fn a_new_device_is_unlinked_and_reads_back() {
    let api = TestApi::start().await;
    let answer = api
        .post("/v1/devices", &json!({ "name": "  Support line " }))
        .await;
    let created = answer.expect(StatusCode::CREATED);
    let path = format!("/v1/devices/{}", created["id"].as_str().expect("an id"));
    assert_eq!(answer.header("location"), path);
    assert_eq!(
        created,
        json!({
            "id": created["id"], "name": "Support line", "state": "unlinked", "reason": "new",
            "since": created["createdAt"], "retryAt": null, "lastEventAt": null, "intent": "linked",
            "account": null, "pacing": null, "counters": { "reconnects": 0, "sent": 0, "received": 0, "parked": 0 },
            "createdAt": created["createdAt"],
        })
    );
    assert_eq!(api.get(&path).await.expect(StatusCode::OK), created);

    let unnamed = api.call(Method::POST, "/v1/devices").send().await;
    assert_eq!(unnamed.expect(StatusCode::CREATED)["name"], "");
    let unnamed = api.post("/v1/devices", &json!({ "name": null })).await;
    assert_eq!(unnamed.expect(StatusCode::CREATED)["name"], "");
}

#[tokio::test]
async fn a_linked_device_shows_its_account() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let shown = api
        .get(&format!("/v1/devices/{device}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&shown["state"], &shown["reason"]),
        (&json!("connected"), &json!("healthy"))
    );
    assert_eq!(
        shown["account"],
        json!({ "phone": "+15550000000", "lid": null, "pushName": "Ada", "platform": "android" })
    );
}

#[tokio::test]
async fn pairing_is_asked_for_and_refused_when_linked() {
    let api = TestApi::start().await;
    let device = api.unlinked_device().await;
    let mut devices = api.wakes.devices.listen();
    let path = format!("/v1/devices/{device}/pair");
    let paired = api
        .call(Method::POST, &path)
        .send()
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(paired["id"], device.to_string());
    devices.rung().await;
    let stored = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    assert_eq!(stored.pairing.map(|request| request.phone), Some(None));

    api.connect(device).await;
    let message = api
        .post(&path, &json!({}))
        .await
        .expect_error(409, "INVALID_STATE");
    assert!(message.contains("connected"), "{message}");
}

#[tokio::test]
async fn pause_and_resume_write_the_intent_and_wake() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    for (verb, intent, shown) in [
        ("pause", Intent::Paused, "paused"),
        ("pause", Intent::Paused, "paused"),
        ("resume", Intent::Linked, "linked"),
    ] {
        let mut devices = api.wakes.devices.listen();
        let answer = api
            .call(Method::POST, &format!("/v1/devices/{device}/{verb}"))
            .send()
            .await;
        assert_eq!(answer.expect(StatusCode::ACCEPTED)["intent"], shown);
        devices.rung().await;
        let stored = api
            .store
            .session_device(device)
            .await
            .expect("read")
            .expect("a device");
        assert_eq!(stored.intent, intent);
    }
}

#[tokio::test]
async fn a_removed_device_is_gone_at_once() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let path = format!("/v1/devices/{device}");
    let mut devices = api.wakes.devices.listen();
    let answer = api.call(Method::DELETE, &path).send().await;
    assert_eq!(answer.expect(StatusCode::NO_CONTENT), Value::Null);
    devices.rung().await;
    api.get(&path).await.expect_error(404, "NOT_FOUND");
    api.call(Method::DELETE, &path)
        .send()
        .await
        .expect_error(404, "NOT_FOUND");
    let list = api.get("/v1/devices").await.expect(StatusCode::OK);
    assert_eq!(list, json!({ "data": [], "nextCursor": null }));
    // The session manager still sees it, to log it out and wipe its keys.
    let stored = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    assert_eq!(stored.intent, Intent::Removed);
}

#[tokio::test]
async fn a_ban_says_until_when() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let until = postern_domain::Timestamp::from_millis(1_796_126_400_000);
    api.signal(device, Signal::Banned { until }).await;
    let shown = api
        .get(&format!("/v1/devices/{device}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(shown["reason"], "temporary_ban");
    assert_eq!(shown["retryAt"], "2026-12-01T12:00:00.000Z");
}

#[tokio::test]
async fn reconnect_and_logout_write_what_is_wanted_or_say_why_not() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let ask = async |verb: &str| {
        let path = format!("/v1/devices/{device}/{verb}");
        api.call(Method::POST, &path).send().await
    };
    let mut devices = api.wakes.devices.listen();
    ask("reconnect").await.expect(StatusCode::ACCEPTED);
    devices.rung().await;
    let stored = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    assert_eq!(stored.reconnect, Some(1));

    ask("pause").await.expect(StatusCode::ACCEPTED);
    let message = ask("reconnect").await.expect_error(409, "INVALID_STATE");
    assert!(message.contains("/resume"), "{message}");
    let answer = ask("logout").await.expect(StatusCode::ACCEPTED);
    assert_eq!(answer["intent"], "unlinked");
    let message = ask("reconnect").await.expect_error(409, "INVALID_STATE");
    assert!(message.contains("logged out"), "{message}");
    api.signal(device, Signal::LoggedOut { messages_left: false })
        .await;
    for verb in ["logout", "reconnect"] {
        let message = ask(verb).await.expect_error(409, "INVALID_STATE");
        assert!(message.contains("/pair"), "{message}");
    }
}

#[tokio::test]
async fn a_purge_is_asked_for_in_so_many_words() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let delete = async |query: &str| {
        let path = format!("/v1/devices/{device}{query}");
        api.call(Method::DELETE, &path).send().await
    };
    delete("?purge=yes").await.expect_fields(&["purge"]);
    delete("?force=true").await.expect_fields(&["force"]);
    delete("?purge=true").await.expect(StatusCode::NO_CONTENT);
    let stored = api
        .store
        .session_device(device)
        .await
        .expect("read")
        .expect("a device");
    assert_eq!((stored.intent, stored.purge), (Intent::Removed, true));
}

#[tokio::test]
async fn parked_messages_are_listed_released_and_canceled() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let mut ids = Vec::new();
    for body in ["one", "two", "three"] {
        let sent = api.post("/v1/messages", &text_to(device, body)).await;
        ids.push(
            sent.expect(StatusCode::ACCEPTED)["id"]
                .as_str()
                .expect("an id")
                .to_owned(),
        );
    }
    api.signal(device, Signal::LoggedOut { messages_left: false })
        .await;
    let shown = api
        .get(&format!("/v1/devices/{device}"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&shown["state"], &shown["counters"]["parked"]),
        (&json!("disconnected"), &json!(3))
    );
    let list = api.get("/v1/messages?parked=true").await.expect(StatusCode::OK);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(list["data"][0]["parked"]["reason"], "logged_out");

    let post = async |path: String| api.call(Method::POST, &path).send().await;
    let release = format!("/v1/devices/{device}/parked/release");
    post(release.clone()).await.expect_error(409, "INVALID_STATE");
    let canceled = post(format!("/v1/messages/{}/cancel", ids[0]))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&canceled["status"], &canceled["parked"]),
        (&json!("canceled"), &json!(null))
    );
    post(format!("/v1/messages/{}/cancel", ids[0]))
        .await
        .expect_error(409, "INVALID_STATE");
    post(format!("/v1/messages/{}/release", ids[1]))
        .await
        .expect_error(409, "INVALID_STATE");

    let account = shown["account"]["phone"].as_str().expect("a number");
    let account = Account {
        phone: account.parse().expect("a number"),
        lid: None,
        companion: 4,
        push_name: None,
        platform: None,
    };
    let linked = api.store.link_account(device, account, SystemClock.now());
    linked.await.expect("linked");
    let released = post(format!("/v1/messages/{}/release", ids[1]))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&released["status"], &released["parked"]),
        (&json!("queued"), &json!(null))
    );
    let released = post(release).await.expect(StatusCode::OK);
    assert_eq!(released, json!({ "messages": 1 }));
    let canceled = post(format!("/v1/devices/{device}/parked/cancel"))
        .await
        .expect(StatusCode::OK);
    assert_eq!(canceled, json!({ "messages": 0 }));
    let list = api.get("/v1/messages?parked=true").await.expect(StatusCode::OK);
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn names_and_pacing_are_changed_one_by_one() {
    let api = TestApi::start().await;
    let device = api.connected_device().await;
    let path = format!("/v1/devices/{device}");
    let patch = async |body: Value| api.call(Method::PATCH, &path).json(&body).send().await;
    let pacing = json!({
        "messagesPerMinute": 20, "burst": 5, "jitterPercent": 30, "newRecipientsPerDay": 0,
        "quietHours": { "from": "22:00", "until": "07:05" }, "typingMs": 1500, "timeZone": "Europe/Berlin",
    });
    let changed = patch(json!({ "pacing": pacing })).await.expect(StatusCode::OK);
    assert_eq!((&changed["name"], &changed["pacing"]), (&json!("till"), &pacing));
    let renamed = patch(json!({ "name": " desk " })).await.expect(StatusCode::OK);
    assert_eq!((&renamed["name"], &renamed["pacing"]), (&json!("desk"), &pacing));
    let reset = patch(json!({ "pacing": null })).await.expect(StatusCode::OK);
    assert_eq!(reset["pacing"], json!(null));

    let bad = json!({
        "messagesPerMinute": 0, "burst": 0, "jitterPercent": 201, "typingMs": 10001, "timeZone": "Mars/Olympus",
        "quietHours": { "from": "24:00", "until": "7:5" },
    });
    patch(json!({ "pacing": bad })).await.expect_fields(&[
        "pacing.messagesPerMinute",
        "pacing.burst",
        "pacing.jitterPercent",
        "pacing.typingMs",
        "pacing.timeZone",
        "pacing.quietHours.from",
        "pacing.quietHours.until",
    ]);
    patch(json!({ "pacing": [] })).await.expect_fields(&["pacing"]);
    patch(json!({ "pacing": { "speed": 1 } }))
        .await
        .expect_fields(&["pacing.speed"]);
}
