//! From the outbox to the port: order, resends with the same stanza id, retries, restarts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_domain::event::EventPayload;
use postern_domain::port::{Observed, ReceiptKind, SendError};
use postern_domain::{DeviceReason, DeviceState, EventType, FailureCode, MessageStatus, Timestamp};
use postern_runtime::{Backoff, Clock as _, ManualClock, SystemClock};

use crate::{Gateway, config, eventually};

const OWNER: &str = "+4915112345678";
const CONTACT: &str = "+15551234567";

#[tokio::test]
async fn a_message_is_sent_acknowledged_and_read() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Sent).await;
    let receipt = |kind| Observed::Receipt {
        stanzas: vec![stanza.clone()],
        kind,
        at: Timestamp::from_millis(0),
    };
    gateway.network.tell(device, receipt(ReceiptKind::Read));
    gateway.network.tell(device, receipt(ReceiptKind::Delivered));
    gateway.reaches(id, MessageStatus::Read).await;
    assert_eq!(
        *gateway.network.client(device).sent.lock().expect("no panic"),
        [stanza]
    );
}

#[tokio::test]
async fn without_an_ack_it_is_sent_again_with_the_same_stanza_id() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    eventually(async || (client.sent.lock().expect("no panic").len() >= 2).then_some(())).await;
    client.acks.store(true, Ordering::SeqCst);
    let sent = gateway.reaches(id, MessageStatus::Sent).await;
    assert!(sent.attempts >= 3);
    assert!(
        client
            .sent
            .lock()
            .expect("no panic")
            .iter()
            .all(|sent| *sent == stanza)
    );
}

#[tokio::test]
async fn silence_shows_as_degraded_until_something_comes_through() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    gateway.becomes(device, DeviceState::Degraded).await;
    client.acks.store(true, Ordering::SeqCst);
    gateway.becomes(device, DeviceState::Connected).await;
    gateway.reaches(id, MessageStatus::Sent).await;
}

#[tokio::test]
async fn a_link_that_is_reported_silent_shows_as_degraded_until_it_is_heard() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    gateway.network.tell(device, Observed::Silent);
    assert_eq!(
        gateway.becomes(device, DeviceState::Degraded).await,
        DeviceReason::KeepaliveLate
    );
    gateway.network.tell(device, Observed::Heard);
    gateway.becomes(device, DeviceState::Connected).await;
    // What is heard of a link that is gone heals nothing.
    gateway.network.tell(device, Observed::Silent);
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.network.tell(device, Observed::Heard);
    eventually(async || {
        let row = gateway.device(device).await?;
        (row.status.reason == DeviceReason::ConnectionLost).then_some(())
    })
    .await;
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let row = gateway.device(device).await.expect("a device");
    assert_eq!(row.counters.reconnects, 1);
}

#[tokio::test]
async fn what_was_in_flight_when_the_link_broke_leaves_again_in_order() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let mut messages = Vec::new();
    for number in 0..20 {
        messages.push(gateway.accept(device, CONTACT, &number.to_string()).await);
    }
    eventually(async || (client.sent.lock().expect("no panic").len() >= 20).then_some(())).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    client.sent.lock().expect("no panic").clear();
    client.acks.store(true, Ordering::SeqCst);
    gateway.network.tell(device, Observed::Connected);
    for (id, _) in &messages {
        gateway.reaches(*id, MessageStatus::Sent).await;
    }
    let stanzas: Vec<_> = messages.into_iter().map(|(_, stanza)| stanza).collect();
    assert_eq!(*client.sent.lock().expect("no panic"), stanzas);
}

#[tokio::test]
async fn a_new_connection_is_tried_at_once() {
    let mut patient = config();
    patient.retry = Backoff::new(Duration::from_secs(3600), Duration::from_secs(3600));
    let gateway = Gateway::start_with(patient).await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    let failure = SendError::Failed("nobody answers".to_owned());
    client.failures.lock().expect("no panic").push(failure);
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Retrying).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(id, MessageStatus::Sent).await;
}

#[tokio::test]
async fn a_retry_holds_back_its_own_chat_only_and_keeps_its_order() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let (first, first_stanza) = gateway.accept(device, CONTACT, "1").await;
    let (second, second_stanza) = gateway.accept(device, CONTACT, "2").await;
    let (other, other_stanza) = gateway.accept(device, "+442071838750", "3").await;
    *client.failures.lock().expect("no panic") = vec![SendError::Failed("on purpose".to_owned())];
    gateway.network.tell(device, Observed::Connected);
    for id in [first, second, other] {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let sent = client.sent.lock().expect("no panic").clone();
    assert_eq!(sent, [other_stanza, first_stanza, second_stanza]);
}

#[tokio::test]
async fn final_errors_fail_at_once_with_their_code() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    let cases = [
        (SendError::NotOnWhatsApp, FailureCode::NotOnWhatsApp),
        (SendError::NotSendable("why".to_owned()), FailureCode::NotSendable),
    ];
    for (error, code) in cases {
        client.failures.lock().expect("no panic").push(error);
        let (id, _) = gateway.accept(device, CONTACT, "x").await;
        let failed = gateway.reaches(id, MessageStatus::Failed).await;
        assert_eq!(failed.failure.map(|(code, _)| code), Some(code));
    }
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "x").await;
    gateway.reaches(id, MessageStatus::Processing).await;
    gateway.network.tell(
        device,
        Observed::Refused {
            stanza,
            code: "479".to_owned(),
        },
    );
    let failed = gateway.reaches(id, MessageStatus::Failed).await;
    assert_eq!(
        failed.failure.map(|(code, _)| code),
        Some(FailureCode::RejectedByWhatsApp)
    );
}

#[tokio::test]
async fn a_restart_opens_linked_devices_and_sends_what_was_left_with_its_id() {
    let mut gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Processing).await;
    gateway.stop().await;
    let opens = client.opens.load(Ordering::SeqCst);
    client.sent.lock().expect("no panic").clear();
    client.acks.store(true, Ordering::SeqCst);

    gateway.store.close().await;
    gateway.store = crate::open(&gateway.folder);
    gateway.start_sessions(config());
    gateway.network.opened(device, opens + 1).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(id, MessageStatus::Sent).await;
    assert_eq!(*client.sent.lock().expect("no panic"), [stanza]);
}

#[tokio::test]
async fn an_ack_that_comes_before_the_send_returns_makes_room_at_once() {
    let mut config = config();
    config.in_flight = 4;
    config.ack_timeout = Duration::from_secs(600);
    let gateway = Gateway::start_with(config).await;
    let device = gateway.linked(OWNER).await;
    let mut messages = Vec::new();
    for number in 0..40 {
        messages.push(gateway.accept(device, CONTACT, &number.to_string()).await.0);
    }
    for id in messages {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
}

#[tokio::test]
async fn a_receipt_before_the_ack_counts_and_the_ack_changes_nothing() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    eventually(async || (!client.sent.lock().expect("no panic").is_empty()).then_some(())).await;
    let receipt = Observed::Receipt {
        stanzas: vec![stanza.clone()],
        kind: ReceiptKind::Delivered,
        at: Timestamp::from_millis(0),
    };
    gateway.network.tell(device, receipt);
    gateway.reaches(id, MessageStatus::Delivered).await;
    gateway.network.tell(device, Observed::Acked { stanza, at: None });
    client.acks.store(true, Ordering::SeqCst);
    let (second, _) = gateway.accept(device, CONTACT, "again").await;
    gateway.reaches(second, MessageStatus::Sent).await;
    gateway.reaches(id, MessageStatus::Delivered).await;
}

#[tokio::test]
async fn a_pause_between_messages_is_not_taken_for_silence() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    for body in ["one", "two"] {
        tokio::time::sleep(config().ack_timeout * 2).await;
        let (id, _) = gateway.accept(device, CONTACT, body).await;
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let degraded = |kind| kind == EventType::DeviceDegraded;
    assert!(!gateway.events().await.iter().any(|event| degraded(event.kind)));
}

#[tokio::test]
async fn silence_is_not_healed_by_attempts_that_fail_here() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    gateway.accept(device, CONTACT, "unanswered").await;
    gateway.becomes(device, DeviceState::Degraded).await;
    client
        .failures
        .lock()
        .expect("no panic")
        .push(SendError::NotSendable("why".to_owned()));
    gateway.accept(device, "+442071838750", "x").await;
    eventually(async || client.failures.lock().expect("no panic").is_empty().then_some(())).await;
    tokio::time::sleep(config().poll * 2).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Degraded).await,
        DeviceReason::KeepaliveLate
    );
    client.acks.store(true, Ordering::SeqCst);
    gateway.becomes(device, DeviceState::Connected).await;
}

#[tokio::test]
async fn while_disconnected_nothing_is_attempted() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    tokio::time::sleep(config().poll * 3).await;
    assert!(client.sent.lock().expect("no panic").is_empty());
    assert_eq!(gateway.reaches(id, MessageStatus::Queued).await.attempts, 0);
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(id, MessageStatus::Sent).await;
}

#[tokio::test]
async fn a_client_that_turns_out_to_be_disconnected_is_given_a_moment() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    client
        .failures
        .lock()
        .expect("no panic")
        .push(SendError::NotConnected);
    let mut messages = Vec::new();
    for number in 0..30 {
        messages.push(gateway.accept(device, CONTACT, &number.to_string()).await);
    }
    gateway.network.tell(device, Observed::Connected);
    for (id, _) in &messages {
        gateway.reaches(*id, MessageStatus::Sent).await;
    }
    let stanzas: Vec<_> = messages.into_iter().map(|(_, stanza)| stanza).collect();
    assert_eq!(*client.sent.lock().expect("no panic"), stanzas);
}

#[tokio::test]
async fn a_refusal_that_is_the_servers_own_trouble_is_tried_again() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    eventually(async || (!client.sent.lock().expect("no panic").is_empty()).then_some(())).await;
    client.acks.store(true, Ordering::SeqCst);
    let refusal = Observed::Refused {
        stanza: stanza.clone(),
        code: "503".to_owned(),
    };
    gateway.network.tell(device, refusal);
    let sent = gateway.reaches(id, MessageStatus::Sent).await;
    assert!(
        sent.timeline
            .iter()
            .any(|step| step.status == MessageStatus::Retrying)
    );
    let attempts = client.sent.lock().expect("no panic");
    assert!(attempts.len() >= 2 && attempts.iter().all(|sent| *sent == stanza));
}

#[tokio::test]
async fn one_slow_chat_holds_up_no_other_and_is_not_written_twice() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    *client.stuck.lock().expect("no panic") = Some(crate::address(CONTACT));
    let (slow, slow_stanza) = gateway.accept(device, CONTACT, "slow").await;
    let (next, next_stanza) = gateway.accept(device, CONTACT, "next").await;
    let (other, other_stanza) = gateway.accept(device, "+442071838750", "other").await;
    gateway.reaches(other, MessageStatus::Sent).await;
    // Its ack deadline passes while it is being written, so the table hands it out again.
    eventually(async || {
        let message = gateway
            .store
            .message(gateway.workspace, slow)
            .await
            .expect("read")?;
        (message.attempts >= 3).then_some(())
    })
    .await;
    *client.stuck.lock().expect("no panic") = None;
    client.unstuck.notify_waiters();
    for id in [slow, next] {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let sent = client.sent.lock().expect("no panic").clone();
    assert_eq!(sent, [other_stanza, slow_stanza, next_stanza]);
}

#[tokio::test]
async fn age_counts_from_the_time_a_message_was_due() {
    let clock = Arc::new(ManualClock::default());
    clock.set(SystemClock.now());
    let gateway = Gateway::start_at(config(), Arc::clone(&clock) as _).await;
    let device = gateway.linked(OWNER).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let later = clock.now().after(Duration::from_secs(48 * 3600));
    let (scheduled, stanza) = gateway.accept_for(device, CONTACT, "later", Some(later)).await;
    let (forgotten, _) = gateway.accept(device, "+442071838750", "now").await;
    clock.set(later);
    gateway.reaches(scheduled, MessageStatus::Queued).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(scheduled, MessageStatus::Sent).await;
    let failed = gateway.reaches(forgotten, MessageStatus::Failed).await;
    assert_eq!(failed.failure.map(|(code, _)| code), Some(FailureCode::Expired));
    assert_eq!(
        *gateway.network.client(device).sent.lock().expect("no panic"),
        [stanza]
    );
}

#[tokio::test]
async fn when_everything_fails_sending_pauses_says_so_and_feels_its_way_back() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    let failures = (0..8)
        .map(|_| SendError::Failed("no answer".to_owned()))
        .collect();
    *client.failures.lock().expect("no panic") = failures;
    // All leave at once, so that the failures are those of different messages and none succeeds beside them.
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let mut ids = Vec::new();
    for number in 0..8 {
        ids.push(
            gateway
                .accept(device, &format!("+1555000000{number}"), "hi")
                .await
                .0,
        );
    }
    gateway.network.tell(device, Observed::Connected);
    for id in ids {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let events = gateway.events().await;
    assert!(events.iter().any(|event| matches!(
        event.payload,
        EventPayload::Device {
            reason: DeviceReason::ServerUnavailable,
            retry_at: Some(_),
            ..
        }
    )));
    assert_eq!(
        gateway.becomes(device, DeviceState::Connected).await,
        DeviceReason::Healthy
    );
    let row = gateway.device(device).await.expect("a device");
    assert_eq!(row.status.retry_at, None);
    assert_eq!(
        row.counters.reconnects, 1,
        "the link stood all through the outage"
    );
}

#[tokio::test]
async fn what_succeeds_beside_failures_says_that_there_is_no_outage() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    let failures = (0..6)
        .map(|_| SendError::Failed("no answer".to_owned()))
        .collect();
    *client.failures.lock().expect("no panic") = failures;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let mut ids = Vec::new();
    for number in 0..8 {
        let to = format!("+1555000000{number}");
        ids.push(gateway.accept(device, &to, "hi").await.0);
    }
    gateway.network.tell(device, Observed::Connected);
    for id in ids {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    gateway.becomes(device, DeviceState::Connected).await;
}
