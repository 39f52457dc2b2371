//! How sessions end, and what becomes of the device: its state, its keys, its next start.

use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_domain::port::{Ending, Observed};
use postern_domain::{DeviceReason, DeviceState, MessageStatus};
use postern_store::DeviceRequest;

use crate::{Gateway, config, eventually};

const CONTACT: &str = "+15551234567";

fn phone(number: usize) -> String {
    format!("+49151{:08}", 10_000_000 + number)
}

#[tokio::test]
async fn each_ending_has_its_state_and_reason() {
    let gateway = Gateway::start().await;
    let cases = [
        (Ending::LoggedOut, DeviceState::Unlinked, DeviceReason::LoggedOut),
        (
            Ending::AccountRemoved,
            DeviceState::Unlinked,
            DeviceReason::AccountRemoved,
        ),
        (
            Ending::StreamReplaced,
            DeviceState::Disconnected,
            DeviceReason::StreamReplaced,
        ),
        (
            Ending::ClientOutdated,
            DeviceState::Disconnected,
            DeviceReason::ClientOutdated,
        ),
        (
            Ending::TemporaryBan(Duration::from_secs(3600)),
            DeviceState::Disconnected,
            DeviceReason::TemporaryBan,
        ),
        (
            Ending::LoginRefused { code: 409 },
            DeviceState::Disconnected,
            DeviceReason::LoginRefused,
        ),
    ];
    for (number, (ending, state, reason)) in cases.into_iter().enumerate() {
        let device = gateway.linked(&phone(number)).await;
        let worthless = matches!(ending, Ending::LoggedOut | Ending::AccountRemoved);
        let heals = matches!(ending, Ending::TemporaryBan(_) | Ending::LoginRefused { .. });
        gateway.network.tell(device, Observed::Ended(ending));
        assert_eq!(gateway.becomes(device, state).await, reason);
        let row = gateway.device(device).await.expect("it stays");
        assert_eq!(row.status.retry_at.is_some(), heals);
        assert_eq!(row.linked, !worthless);
        let client = gateway.network.client(device);
        let wipes = if worthless { 2 } else { 1 };
        eventually(async || (client.wipes.load(Ordering::SeqCst) == wipes).then_some(())).await;
        // Looking again and again does not start it again.
        tokio::time::sleep(config().poll * 3).await;
        assert_eq!(client.opens.load(Ordering::SeqCst), 1, "{reason}");
    }
}

#[tokio::test]
async fn a_logout_with_messages_left_keeps_them() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    let (id, _) = gateway.accept(device, CONTACT, "left").await;
    gateway.network.tell(device, Observed::Ended(Ending::LoggedOut));
    assert_eq!(
        gateway.becomes(device, DeviceState::Disconnected).await,
        DeviceReason::LoggedOut
    );
    // Another account does not send it.
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(
        device,
        Observed::Paired {
            account: crate::account(&phone(1)),
        },
    );
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let (own, _) = gateway.accept(device, CONTACT, "own").await;
    gateway.reaches(own, MessageStatus::Sent).await;
    gateway.reaches(id, MessageStatus::Queued).await;
}

#[tokio::test]
async fn a_panic_and_a_crash_are_contained_and_the_device_comes_back() {
    let mut gateway = Gateway::start().await;
    let (one, two) = (gateway.linked(&phone(1)).await, gateway.linked(&phone(2)).await);
    gateway.stop().await;
    let client = gateway.network.client(one);
    client.panics.store(2, Ordering::SeqCst);
    gateway.start_sessions(config());
    gateway.network.opened(two, 2).await;
    gateway.network.tell(two, Observed::Connected);
    gateway.becomes(two, DeviceState::Connected).await;
    gateway.network.opened(one, 2).await;
    gateway.network.tell(one, Observed::Connected);
    gateway.becomes(one, DeviceState::Connected).await;

    gateway.network.tell(one, Observed::Ended(Ending::Crashed));
    gateway.network.opened(one, 3).await;
    gateway.network.tell(one, Observed::Connected);
    gateway.becomes(one, DeviceState::Connected).await;
    assert_eq!(
        gateway.network.client(two).opens.load(Ordering::SeqCst),
        2,
        "the other noticed nothing"
    );
}

#[tokio::test]
async fn pause_resume_and_removal_follow_the_intent() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    gateway.request(device, DeviceRequest::Pause).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Disconnected).await,
        DeviceReason::Stopped
    );
    gateway.request(device, DeviceRequest::Resume).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;

    gateway
        .request(device, DeviceRequest::Remove { purge: false })
        .await;
    eventually(async || gateway.device(device).await.is_none().then_some(())).await;
    let client = gateway.network.client(device);
    assert_eq!(client.log_outs.load(Ordering::SeqCst), 1);
    assert_eq!(
        client.wipes.load(Ordering::SeqCst),
        2,
        "before pairing and at the end"
    );
    assert_eq!(
        client.opens.load(Ordering::SeqCst),
        2,
        "the open connection served for logging out"
    );
}

#[tokio::test]
async fn a_device_without_a_connection_logs_in_once_more_to_be_removed() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    gateway.network.tell(device, Observed::ConnectionLost);
    gateway.becomes(device, DeviceState::Degraded).await;
    gateway
        .request(device, DeviceRequest::Remove { purge: false })
        .await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    eventually(async || gateway.device(device).await.is_none().then_some(())).await;
    let client = gateway.network.client(device);
    assert_eq!(client.log_outs.load(Ordering::SeqCst), 1);
    assert_eq!(client.wipes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_devices_start_a_few_at_a_time() {
    let mut gateway = Gateway::start().await;
    let numbers: Vec<_> = (0..200).map(phone).collect();
    let linking = numbers.iter().map(|number| gateway.linked(number));
    let devices = futures_util::future::join_all(linking).await;
    gateway.stop().await;
    gateway.network.most_opening.store(0, Ordering::SeqCst);
    *gateway.network.slow_open.lock().expect("no panic") = Duration::from_millis(10);
    let mut config = config();
    config.start_concurrency = 4;
    gateway.start_sessions(config);
    // All at once: which of them are let in first is not said.
    futures_util::future::join_all(devices.into_iter().map(async |device| {
        gateway.network.opened(device, 2).await;
        gateway.network.tell(device, Observed::Connected);
        gateway.becomes(device, DeviceState::Connected).await;
    }))
    .await;
    assert!(gateway.network.most_opening.load(Ordering::SeqCst) <= 4);
}

#[tokio::test]
async fn a_reconnect_opens_anew_whatever_kept_the_device_down() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    let barred = Duration::from_secs(3600);
    for (number, ending) in [
        Ending::StreamReplaced,
        Ending::TemporaryBan(barred),
        Ending::LoginRefused { code: 409 },
    ]
    .into_iter()
    .enumerate()
    {
        gateway.network.tell(device, Observed::Ended(ending));
        gateway.becomes(device, DeviceState::Disconnected).await;
        gateway.request(device, DeviceRequest::Reconnect).await;
        gateway.network.opened(device, number + 2).await;
        gateway.network.tell(device, Observed::Connected);
        gateway.becomes(device, DeviceState::Connected).await;
    }
    // And a connected one as well, once for each request.
    gateway.request(device, DeviceRequest::Reconnect).await;
    gateway.network.opened(device, 5).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let row = gateway.device(device).await.expect("a device");
    assert_eq!((row.reconnect, row.counters.reconnects), (None, 4));
    assert_eq!(
        gateway.network.client(device).most_alive.load(Ordering::SeqCst),
        1
    );
}

#[tokio::test]
async fn a_logout_by_the_operator_takes_the_link_back_and_parks_what_waits() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    gateway.network.client(device).acks.store(false, Ordering::SeqCst);
    let (in_flight, _) = gateway.accept(device, CONTACT, "no answer").await;
    gateway.reaches(in_flight, MessageStatus::Processing).await;
    gateway.request(device, DeviceRequest::LogOut).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Disconnected).await,
        DeviceReason::LoggedOut
    );
    let client = gateway.network.client(device);
    eventually(async || (client.wipes.load(Ordering::SeqCst) == 2).then_some(())).await;
    assert_eq!(client.log_outs.load(Ordering::SeqCst), 1);
    let message = gateway.reaches(in_flight, MessageStatus::Retrying).await;
    assert!(message.parked.is_some());

    // The same account again: nothing leaves by itself.
    client.acks.store(true, Ordering::SeqCst);
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(
        device,
        Observed::Paired {
            account: crate::account(&phone(0)),
        },
    );
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let (own, _) = gateway.accept(device, CONTACT, "own").await;
    gateway.reaches(own, MessageStatus::Sent).await;
    gateway.reaches(in_flight, MessageStatus::Retrying).await;
    let released = gateway
        .store
        .release_parked(gateway.workspace, device, gateway.clock.now());
    assert_eq!(released.await.expect("released"), 1);
    gateway.wakes.outbox.ring(&device);
    gateway.reaches(in_flight, MessageStatus::Sent).await;
}

#[tokio::test]
async fn a_paused_device_logs_in_once_more_to_be_logged_out() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(&phone(0)).await;
    gateway.request(device, DeviceRequest::Pause).await;
    gateway.becomes(device, DeviceState::Disconnected).await;
    gateway.request(device, DeviceRequest::LogOut).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    assert_eq!(
        gateway.becomes(device, DeviceState::Unlinked).await,
        DeviceReason::LoggedOut
    );
    let client = gateway.network.client(device);
    assert_eq!(client.log_outs.load(Ordering::SeqCst), 1);
    assert!(!gateway.device(device).await.expect("it stays").linked);
}
