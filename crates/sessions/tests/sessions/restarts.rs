//! What survives a failure, a stop and a start: one client at a time, nothing lost, nobody waits for ever.

use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_domain::port::{Ending, Observed};
use postern_domain::{DeviceReason, DeviceState, MessageStatus, ParkReason};
use postern_store::DeviceRequest;

use crate::{Gateway, config, eventually};

const OWNER: &str = "+4915112345678";
const OTHER: &str = "+4915187654321";
const CONTACT: &str = "+15551234567";

#[tokio::test]
async fn after_a_panic_the_old_client_is_closed_before_a_new_one_is_opened() {
    let gateway = Gateway::start().await;
    let (device, other) = (gateway.linked(OWNER).await, gateway.linked(OTHER).await);
    let client = gateway.network.client(device);
    client.panics_in_send.store(true, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(id, MessageStatus::Sent).await;
    assert_eq!(*client.sent.lock().expect("no panic"), [stanza]);
    assert_eq!(client.most_alive.load(Ordering::SeqCst), 1);
    assert_eq!(gateway.network.client(other).opens.load(Ordering::SeqCst), 1);
}

/// The runtime is torn down with everything on it, as if the process had been killed.
#[test]
fn after_a_kill_what_was_in_flight_is_sent_again_with_its_id() {
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let killed = runtime();
    let (mut gateway, device, id, stanza) = killed.block_on(async {
        let gateway = Gateway::start().await;
        let device = gateway.linked(OWNER).await;
        gateway.network.client(device).acks.store(false, Ordering::SeqCst);
        let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
        gateway.reaches(id, MessageStatus::Processing).await;
        (gateway, device, id, stanza)
    });
    killed.shutdown_background();
    gateway.sessions = None;
    gateway.store = crate::open(&gateway.folder);
    let client = gateway.network.client(device);
    client.sent.lock().expect("no panic").clear();
    client.acks.store(true, Ordering::SeqCst);
    runtime().block_on(async {
        let opens = client.opens.load(Ordering::SeqCst);
        gateway.start_sessions(config());
        gateway.network.opened(device, opens + 1).await;
        gateway.network.tell(device, Observed::Connected);
        gateway.reaches(id, MessageStatus::Sent).await;
    });
    assert_eq!(*client.sent.lock().expect("no panic"), [stanza]);
}

#[tokio::test]
async fn what_is_reported_while_stopping_is_written_down() {
    let mut gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.acks.store(false, Ordering::SeqCst);
    let (id, stanza) = gateway.accept(device, CONTACT, "hi").await;
    eventually(async || (!client.sent.lock().expect("no panic").is_empty()).then_some(())).await;
    *client.last_words.lock().expect("no panic") = vec![Observed::Acked { stanza, at: None }];
    gateway.stop().await;
    gateway.reaches(id, MessageStatus::Sent).await;
}

#[tokio::test]
async fn stopping_waits_for_no_call_into_a_client() {
    let mut gateway = Gateway::start().await;
    let (sending, opening) = (gateway.linked(OWNER).await, gateway.create().await);
    *gateway.network.client(sending).stuck.lock().expect("no panic") = Some(crate::address(CONTACT));
    let (id, _) = gateway.accept(sending, CONTACT, "hi").await;
    gateway.reaches(id, MessageStatus::Processing).await;
    *gateway.network.slow_open.lock().expect("no panic") = Duration::from_secs(3600);
    gateway.ask_for_pairing(opening, None).await;
    gateway.becomes(opening, DeviceState::Pairing).await;
    // Much less than any of the deadlines that would end these calls.
    tokio::time::timeout(Duration::from_secs(14), gateway.stop())
        .await
        .expect("stopped");
}

#[tokio::test]
async fn after_a_start_nothing_is_shown_as_connected_that_is_not() {
    let mut gateway = Gateway::start().await;
    let devices = [gateway.linked(OWNER).await, gateway.linked(OTHER).await];
    gateway.stop().await;
    let mut config = config();
    config.start_concurrency = 1;
    gateway.start_sessions(config);
    for device in devices {
        assert_eq!(
            gateway.becomes(device, DeviceState::Degraded).await,
            DeviceReason::Connecting
        );
    }
}

/// As after a restore of the data without the keys.
#[tokio::test]
async fn a_link_without_keys_has_ended_and_parks_what_waits() {
    let mut gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.stop().await;
    *client.keys.lock().expect("no panic") = None;
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    gateway.start_sessions(config());
    let reason = gateway.becomes(device, DeviceState::Unlinked).await;
    assert_eq!(reason, DeviceReason::KeysMissing);
    assert_eq!(
        client.opens.load(Ordering::SeqCst),
        1,
        "an empty client would show codes"
    );
    let parked = gateway.reaches(id, MessageStatus::Queued).await.parked;
    assert_eq!(parked.map(|(reason, _)| reason), Some(ParkReason::LoggedOut));

    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 2).await;
    let account = crate::account(OWNER);
    gateway.network.tell(device, Observed::Paired { account });
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let released = gateway
        .store
        .release(gateway.workspace, id, gateway.clock.now())
        .await;
    released.expect("released");
    gateway.wakes.outbox.ring(&device);
    gateway.reaches(id, MessageStatus::Sent).await;
}

/// As after a restore of data from before the device was linked to another account.
#[tokio::test]
async fn what_the_keys_log_in_to_is_the_account_and_the_other_ones_messages_stay() {
    let mut gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    gateway.stop().await;
    *client.keys.lock().expect("no panic") = Some(crate::account(OTHER));
    let (id, _) = gateway.accept(device, CONTACT, "hi").await;
    gateway.start_sessions(config());
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    let account = gateway.device(device).await.and_then(|row| row.account);
    assert_eq!(
        account.map(|account| account.phone.to_string()),
        Some(OTHER.to_owned())
    );
    eventually(async || {
        let message = gateway
            .store
            .message(gateway.workspace, id)
            .await
            .expect("read")?;
        let (reason, _) = message.parked?;
        (reason == ParkReason::OtherAccount).then_some(())
    })
    .await;
    assert!(client.sent.lock().expect("no panic").is_empty());
}

#[tokio::test]
async fn a_start_tries_again_whatever_ended_except_a_ban() {
    let mut gateway = Gateway::start().await;
    let (replaced, banned) = (gateway.linked(OWNER).await, gateway.linked(OTHER).await);
    gateway
        .network
        .tell(replaced, Observed::Ended(Ending::StreamReplaced));
    let ban = Ending::TemporaryBan(Duration::from_secs(3600));
    gateway.network.tell(banned, Observed::Ended(ban));
    for device in [replaced, banned] {
        gateway.becomes(device, DeviceState::Disconnected).await;
    }
    gateway.stop().await;
    gateway.start_sessions(config());
    gateway.network.opened(replaced, 2).await;
    tokio::time::sleep(config().poll * 3).await;
    let banned = gateway.network.client(banned);
    assert_eq!(banned.opens.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn bans_and_refused_logins_are_tried_again_when_their_time_has_come() {
    let mut config = config();
    config.login_retry = Duration::from_millis(50);
    let gateway = Gateway::start_with(config).await;
    let device = gateway.linked(OWNER).await;
    let endings = [
        Ending::LoginRefused { code: 409 },
        Ending::TemporaryBan(Duration::from_millis(50)),
    ];
    for (times, ending) in endings.into_iter().enumerate() {
        gateway.network.tell(device, Observed::Ended(ending));
        gateway.network.opened(device, times + 2).await;
        gateway.network.tell(device, Observed::Connected);
        gateway.becomes(device, DeviceState::Connected).await;
    }
}

#[tokio::test]
async fn a_wish_that_comes_while_a_client_is_closing_is_not_lost() {
    let gateway = Gateway::start().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.closes_slowly.store(true, Ordering::SeqCst);
    gateway
        .network
        .tell(device, Observed::Ended(Ending::StreamReplaced));
    eventually(async || (client.stopping.load(Ordering::SeqCst) > 0).then_some(())).await;
    gateway.request(device, DeviceRequest::Pause).await;
    tokio::time::sleep(config().poll * 3).await;
    client.closes_slowly.store(false, Ordering::SeqCst);
    eventually(async || {
        let row = gateway.device(device).await?;
        (row.status.reason == DeviceReason::Stopped).then_some(())
    })
    .await;
}
