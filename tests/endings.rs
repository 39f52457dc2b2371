//! Every way a session ends or suffers: what the API shows, how it recovers, and that nothing is lost or doubled.

use postern_testkit::{DaemonOptions, TestDaemon, TestSandbox, eventually, text};
use serde_json::{Value, json};

use crate::{CONTACT, OWNER, linked, postern};

/// A linked device whose session is about to suffer.
struct Scene {
    network: TestSandbox,
    daemon: TestDaemon,
    device: String,
    sent: Vec<String>,
}

impl Scene {
    async fn set() -> anyhow::Result<Self> {
        let (network, daemon, device) = linked().await?;
        Ok(Self::of(network, daemon, device))
    }

    async fn set_with(options: DaemonOptions) -> anyhow::Result<Self> {
        let network = TestSandbox::start(&postern()).await?;
        let daemon = TestDaemon::start_with(&postern(), &network, options).await?;
        let device = daemon.link_device(&network, OWNER).await?;
        Ok(Self::of(network, daemon, device))
    }

    fn of(network: TestSandbox, daemon: TestDaemon, device: String) -> Self {
        Self {
            network,
            daemon,
            device,
            sent: Vec::new(),
        }
    }

    async fn fault(&self, kind: &str, parameters: Value) -> anyhow::Result<()> {
        self.network.fault_with(OWNER, kind, parameters).await
    }

    /// The next login is refused as well, so that the outage lasts long enough to be looked at.
    async fn hold_off_the_next_login(&self) -> anyhow::Result<()> {
        let parameters = json!({ "code": 503, "count": 1, "drop": false });
        self.fault("login_failure", parameters).await
    }

    async fn ask(&self, verb: &str) -> anyhow::Result<Value> {
        let path = format!("/v1/devices/{}/{verb}", self.device);
        self.daemon.http().post(&path, &json!({})).await?.ok()
    }

    async fn becomes(&self, state: &str, reason: &str) -> anyhow::Result<Value> {
        eventually(&format!("the device is {state} because {reason}"), || async {
            let path = format!("/v1/devices/{}", self.device);
            let device = self.daemon.http().get(&path).await?.ok()?;
            Ok((device["state"] == state && device["reason"] == reason).then_some(device))
        })
        .await
    }

    async fn connected(&self) -> anyhow::Result<Value> {
        self.becomes("connected", "healthy").await
    }

    /// Posts a message that must be accepted now.
    async fn send(&mut self, body: &str) -> anyhow::Result<()> {
        self.daemon.send_text(&self.device, CONTACT, body).await?;
        self.sent.push(body.to_owned());
        Ok(())
    }

    /// A message that is not to be accepted now.
    async fn refuses(&self) -> anyhow::Result<String> {
        let message = text(&self.device, CONTACT, "refused");
        let answer = self.daemon.http().post("/v1/messages", &message).await?;
        assert_eq!(answer.status, 424, "{}", answer.json()?);
        let error = answer.json()?["error"].clone();
        assert_eq!(error["code"], "SESSION_DISCONNECTED");
        Ok(error["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Everything that was accepted reached the contact: each once, in order, and nothing else.
    async fn all_arrived_once(&mut self) -> anyhow::Result<()> {
        self.send("afterwards").await?;
        let messages = self.network.contact_has(CONTACT, self.sent.len()).await?;
        let texts: Vec<_> = messages.iter().map(|message| message["text"].clone()).collect();
        assert_eq!(texts, self.sent);
        let stanzas: std::collections::BTreeSet<_> = messages
            .iter()
            .map(|message| message["stanzaId"].to_string())
            .collect();
        assert_eq!(stanzas.len(), self.sent.len());
        Ok(())
    }

    async fn pair_again(&self) -> anyhow::Result<()> {
        self.daemon.pair(&self.network, &self.device, OWNER).await
    }
}

/// The link breaks in some way that the client mends by itself.
async fn heals_by_itself(kind: &str) -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.send("before").await?;
    scene.hold_off_the_next_login().await?;
    scene.fault(kind, json!({})).await?;
    let degraded = scene.daemon.device_becomes(&scene.device, "degraded").await?;
    assert!(
        matches!(
            degraded["reason"].as_str(),
            Some("connection_lost" | "server_unavailable")
        ),
        "{degraded}"
    );
    scene.send("meanwhile").await?;
    let healed = scene.connected().await?;
    assert_eq!(healed["counters"]["reconnects"], 1, "{healed}");
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_closed_socket_heals() -> anyhow::Result<()> {
    heals_by_itself("close").await
}

#[tokio::test]
async fn the_end_of_the_stream_heals() -> anyhow::Result<()> {
    heals_by_itself("stream_end").await
}

#[tokio::test]
async fn a_restart_of_the_stream_heals() -> anyhow::Result<()> {
    heals_by_itself("restart").await
}

#[tokio::test]
async fn a_server_out_of_service_heals() -> anyhow::Result<()> {
    heals_by_itself("unavailable").await
}

#[tokio::test]
async fn a_server_that_wants_fewer_connections_heals() -> anyhow::Result<()> {
    heals_by_itself("slow_down").await
}

#[tokio::test]
async fn an_unknown_stream_error_ends_nothing() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.fault("unknown_error", json!({})).await?;
    scene.all_arrived_once().await?;
    assert_eq!(scene.connected().await?["counters"]["reconnects"], 0);
    Ok(())
}

#[tokio::test]
async fn a_login_that_fails_for_want_of_service_is_tried_again() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .fault("login_failure", json!({ "code": 503, "count": 2 }))
        .await?;
    scene.becomes("degraded", "server_unavailable").await?;
    scene.send("meanwhile").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn another_login_with_the_same_keys_waits_for_the_operator() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.send("before").await?;
    scene.network.contact_has(CONTACT, 1).await?;
    scene.fault("replaced", json!({})).await?;
    scene.becomes("disconnected", "stream_replaced").await?;
    assert!(scene.refuses().await?.contains("/reconnect"));
    scene.ask("reconnect").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_ban_ends_by_itself() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .fault("login_failure", json!({ "code": 402, "seconds": 20 }))
        .await?;
    let barred = scene.becomes("disconnected", "temporary_ban").await?;
    let retry_at = barred["retryAt"].as_str().unwrap_or_default().to_owned();
    assert!(!retry_at.is_empty(), "{barred}");
    assert!(scene.refuses().await?.contains(&retry_at));
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_client_that_is_too_old_waits_for_the_operator() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.fault("login_failure", json!({ "code": 405 })).await?;
    scene.becomes("disconnected", "client_outdated").await?;
    scene.refuses().await?;
    scene.ask("reconnect").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_refused_login_is_tried_again_later_or_when_asked() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    for code in [400, 409] {
        scene.fault("login_failure", json!({ "code": code })).await?;
        let refused = scene.becomes("disconnected", "login_refused").await?;
        assert!(refused["retryAt"].is_string(), "{refused}");
        scene.refuses().await?;
        scene.ask("reconnect").await?;
        scene.connected().await?;
    }
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_login_refused_for_good_needs_pairing_again() -> anyhow::Result<()> {
    for (code, reason) in [(401, "logged_out"), (406, "logged_out"), (403, "account_removed")] {
        let mut scene = Scene::set().await?;
        scene.fault("login_failure", json!({ "code": code })).await?;
        scene.becomes("unlinked", reason).await?;
        assert!(scene.refuses().await?.contains("/pair"));
        let asked = format!("/v1/devices/{}/reconnect", scene.device);
        let answer = scene.daemon.http().post(&asked, &json!({})).await?;
        assert_eq!(answer.status, 409, "there is no link to reconnect");
        scene.pair_again().await?;
        scene.all_arrived_once().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_a_logout_leaves_is_parked_until_it_is_released() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene
        .network
        .set_contact(CONTACT, json!({ "autoRead": false }))
        .await?;
    // The server takes no message any more, so that they are left when the phone removes the link.
    scene.fault("lose_messages", json!({ "count": 0 })).await?;
    for body in ["one", "two", "three"] {
        scene.daemon.send_text(&scene.device, CONTACT, body).await?;
    }
    scene.network.fault(OWNER, "logout").await?;
    let left = scene.becomes("disconnected", "logged_out").await?;
    assert_eq!(left["counters"]["parked"], 3, "{left}");
    let parked = scene.daemon.http().get("/v1/messages?parked=true").await?.ok()?;
    let parked = parked["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(parked.len(), 3);
    assert_eq!(parked[0]["parked"]["reason"], "logged_out");

    scene.pair_again().await?;
    scene.send("another").await?;
    scene.network.contact_has(CONTACT, 1).await?;
    let cancel = format!(
        "/v1/messages/{}/cancel",
        parked[0]["id"].as_str().unwrap_or_default()
    );
    scene.daemon.http().post(&cancel, &json!({})).await?.ok()?;
    assert_eq!(scene.ask("parked/release").await?["messages"], 2);
    scene.network.contact_has(CONTACT, 3).await?;
    scene.sent.extend(["one".to_owned(), "two".to_owned()]);
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_mute_server_is_noticed_and_left() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("SESSIONS__ACK_TIMEOUT", "5");
    let mut scene = Scene::set_with(options).await?;
    scene.send("before").await?;
    scene.network.contact_has(CONTACT, 1).await?;
    scene.fault("mute", json!({})).await?;
    scene.send("into the void").await?;
    scene.becomes("degraded", "keepalive_late").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_server_that_reads_nothing_is_noticed_and_left() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("SESSIONS__ACK_TIMEOUT", "5");
    let mut scene = Scene::set_with(options).await?;
    scene.fault("drop_frames_after", json!({ "frames": 0 })).await?;
    scene.send("into the void").await?;
    scene.becomes("degraded", "keepalive_late").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_slow_server_is_waited_for() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.fault("slow", json!({ "latencyMs": 700 })).await?;
    for body in ["one", "two", "three"] {
        scene.send(body).await?;
    }
    scene.all_arrived_once().await?;
    assert_eq!(scene.connected().await?["counters"]["reconnects"], 0);
    Ok(())
}

#[tokio::test]
async fn lost_acks_and_lost_messages_cost_a_repetition_and_nothing_else() -> anyhow::Result<()> {
    let options = DaemonOptions::default().set("SESSIONS__ACK_TIMEOUT", "5");
    let mut scene = Scene::set_with(options).await?;
    scene.fault("lose_acks", json!({ "count": 2 })).await?;
    scene.send("ack lost").await?;
    scene.network.contact_has(CONTACT, 1).await?;
    scene.network.clear_faults().await?;
    scene.fault("lose_messages", json!({ "count": 1 })).await?;
    scene.send("message lost").await?;
    scene.network.contact_has(CONTACT, 2).await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_refused_message_fails_with_its_code() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.fault("nack", json!({ "code": 479 })).await?;
    let message = scene.daemon.send_text(&scene.device, CONTACT, "refused").await?;
    let failed = scene.daemon.message_reaches(&message, "failed").await?;
    assert_eq!(failed["error"]["code"], "REJECTED_BY_WHATSAPP");
    scene.all_arrived_once().await
}

#[tokio::test]
async fn what_is_delivered_twice_is_received_once() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.fault("duplicate_delivery", json!({ "count": 3 })).await?;
    scene.network.write(CONTACT, OWNER, "doubled").await?;
    let count = || async {
        let list = scene
            .daemon
            .http()
            .get("/v1/messages?direction=inbound")
            .await?
            .ok()?;
        anyhow::Ok(list["data"].as_array().map_or(0, Vec::len))
    };
    eventually("the message is received", || async {
        Ok((count().await? == 1).then_some(()))
    })
    .await?;
    scene.network.write(CONTACT, OWNER, "single").await?;
    eventually("the next is received", || async {
        Ok((count().await? >= 2).then_some(()))
    })
    .await?;
    assert_eq!(count().await?, 2);
    scene.network.clear_faults().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_server_that_forgot_the_client_is_met_anew() -> anyhow::Result<()> {
    for mode in ["fallback", "reject"] {
        let mut scene = Scene::set().await?;
        scene.fault("ik_failure", json!({ "mode": mode })).await?;
        eventually("the device logs in again", || async {
            let device = scene.connected().await?;
            Ok((device["counters"]["reconnects"] != 0).then_some(()))
        })
        .await?;
        scene.all_arrived_once().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_pause_keeps_keys_and_queue() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.ask("pause").await?;
    scene.becomes("disconnected", "stopped").await?;
    assert!(scene.refuses().await?.contains("/resume"));
    let mut queued = text(&scene.device, CONTACT, "queued");
    queued["ifDisconnected"] = json!("queue");
    scene.daemon.http().post("/v1/messages", &queued).await?.ok()?;
    scene.sent.push("queued".to_owned());
    scene.daemon.kill().await?;
    scene.daemon.restart().await?;
    scene.becomes("disconnected", "stopped").await?;
    scene.ask("resume").await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_reconnect_opens_a_working_link_anew() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    scene.send("before").await?;
    scene.ask("reconnect").await?;
    eventually("it logged in again", || async {
        let device = scene.connected().await?;
        Ok((device["counters"]["reconnects"] == 1).then_some(()))
    })
    .await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_logout_removes_the_link_at_whatsapp_and_pairing_makes_a_new_one() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    let phone = format!("/phones/{OWNER}");
    let companions = || async {
        let phone = scene.network.http().get(&phone).await?.ok()?;
        anyhow::Ok(phone["companions"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(companions().await?, 1);
    scene.ask("logout").await?;
    scene.becomes("unlinked", "logged_out").await?;
    assert_eq!(companions().await?, 0);
    scene.pair_again().await?;
    scene.all_arrived_once().await
}

#[tokio::test]
async fn a_device_is_linked_by_a_pairing_code() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let device = daemon.create_device().await?;
    let path = format!("/v1/devices/{device}/pairing-code");
    let asked = daemon.http().post(&path, &json!({ "phone": OWNER })).await?;
    assert_eq!(asked.status, 200, "{}", asked.json()?);
    let code = asked.json()?["code"].as_str().unwrap_or_default().to_owned();
    let shown = daemon.http().get(&path).await?.ok()?;
    assert_eq!(shown["code"], code);
    network.enter_code(OWNER, &code).await?;
    let linked = daemon.device_becomes(&device, "connected").await?;
    assert_eq!(linked["account"]["phone"], OWNER);
    Scene::of(network, daemon, device).all_arrived_once().await
}

#[tokio::test]
async fn a_purge_takes_the_history_along() -> anyhow::Result<()> {
    let scene = Scene::set().await?;
    let message = scene
        .daemon
        .send_text(&scene.device, CONTACT, "to be forgotten")
        .await?;
    scene.daemon.message_reaches(&message, "read").await?;
    let path = format!("/v1/devices/{}?purge=true", scene.device);
    assert_eq!(scene.daemon.http().delete(&path).await?.status, 204);
    eventually("the message is gone", || async {
        let answer = scene
            .daemon
            .http()
            .get(&format!("/v1/messages/{message}"))
            .await?;
        Ok((answer.status == 404).then_some(()))
    })
    .await
}

#[tokio::test]
async fn after_a_kill_nothing_is_called_connected_that_is_not() -> anyhow::Result<()> {
    let mut scene = Scene::set().await?;
    let forever = json!({ "code": 503, "count": 0, "drop": false });
    scene.fault("login_failure", forever).await?;
    scene.daemon.kill().await?;
    scene.daemon.restart().await?;
    let path = format!("/v1/devices/{}", scene.device);
    let device = scene.daemon.http().get(&path).await?.ok()?;
    assert_eq!(device["state"], "degraded", "{device}");
    scene.send("meanwhile").await?;
    scene.network.clear_faults().await?;
    scene.connected().await?;
    scene.all_arrived_once().await
}
