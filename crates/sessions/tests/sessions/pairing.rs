//! From a request to a link: codes on show, expiry, a taken account, another request.

use std::sync::atomic::Ordering;
use std::time::Duration;

use postern_domain::port::{Ending, Inbound, NotCommitted, Observed, Secret};
use postern_domain::{Content, DeviceReason, DeviceState, EventType, StanzaId};
use postern_runtime::{Clock as _, SystemClock};
use postern_store::CodeKind;
use postern_store::DeviceRequest;

use crate::{Gateway, account, eventually};

const OWNER: &str = "+4915112345678";

fn qr(text: &str) -> Observed {
    Observed::QrCode {
        code: Secret::new(text.to_owned()),
        valid_for: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn codes_are_shown_as_they_rotate_and_expiry_can_be_tried_again() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    for text in ["first", "second"] {
        gateway.network.tell(device, qr(text));
        eventually(async || {
            let shown = gateway
                .store
                .shown_code(gateway.workspace, device, SystemClock.now())
                .await
                .expect("read")?;
            (shown.code.expose() == text && shown.kind == CodeKind::Qr).then_some(())
        })
        .await;
    }
    gateway
        .network
        .tell(device, Observed::Ended(Ending::CodesExhausted));
    assert_eq!(
        gateway.becomes(device, DeviceState::Unlinked).await,
        DeviceReason::QrExpired
    );
    assert!(
        gateway
            .store
            .shown_code(gateway.workspace, device, SystemClock.now())
            .await
            .expect("read")
            .is_none()
    );

    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(
        device,
        Observed::Paired {
            account: account(OWNER),
        },
    );
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
}

#[tokio::test]
async fn a_newer_request_starts_anew_with_a_pairing_code() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    gateway
        .ask_for_pairing(device, Some(OWNER.parse().expect("a number")))
        .await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, qr("ready"));
    let client = gateway.network.client(device);
    eventually(async || (client.codes_for.lock().expect("no panic").len() == 1).then_some(())).await;
    let code = Secret::new("ABCD1234".to_owned());
    gateway.network.tell(
        device,
        Observed::PairingCode {
            code,
            valid_for: Duration::from_secs(180),
        },
    );
    eventually(async || {
        let shown = gateway
            .store
            .shown_code(gateway.workspace, device, SystemClock.now())
            .await
            .expect("read")?;
        (shown.kind == CodeKind::PairingCode).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_account_that_another_device_has_is_logged_out_again() {
    let gateway = Gateway::start().await;
    let first = gateway.linked(OWNER).await;
    let second = gateway.create().await;
    gateway.ask_for_pairing(second, None).await;
    gateway.network.opened(second, 1).await;
    gateway.network.tell(
        second,
        Observed::Paired {
            account: account(OWNER),
        },
    );
    gateway.network.tell(second, Observed::Connected);
    assert_eq!(
        gateway.becomes(second, DeviceState::Unlinked).await,
        DeviceReason::AccountInUse
    );
    let client = gateway.network.client(second);
    assert_eq!(client.log_outs.load(Ordering::SeqCst), 1);
    assert_eq!(client.wipes.load(Ordering::SeqCst), 2, "before pairing and after");
    assert_eq!(
        gateway.becomes(first, DeviceState::Connected).await,
        DeviceReason::Healthy
    );
}

fn received(from: &str) -> Vec<Inbound> {
    vec![Inbound {
        stanza: StanzaId::generate(),
        chat: crate::address(from),
        sender: crate::address(from),
        sender_lid: None,
        push_name: None,
        sent_at: SystemClock.now(),
        content: Content::Text {
            body: "hi".to_owned(),
        },
        quoted: None,
    }]
}

#[tokio::test]
async fn what_an_account_receives_is_stored_only_where_it_is_linked() {
    let gateway = Gateway::start().await;
    let first = gateway.linked(OWNER).await;
    let second = gateway.create().await;
    gateway.ask_for_pairing(second, None).await;
    gateway.network.opened(second, 1).await;
    let early = gateway.network.deliver(second, received("+15551234567"));
    let taken = async {
        let account = account(OWNER);
        gateway.network.tell(second, Observed::Paired { account });
    };
    let (early, ()) = futures_util::future::join(early, taken).await;
    assert_eq!(early, Err(NotCommitted));
    gateway
        .network
        .deliver(first, received("+15551234567"))
        .await
        .expect("committed");
    let events = gateway.events().await;
    let devices: Vec<_> = events
        .iter()
        .filter(|event| event.kind == EventType::MessageReceived)
        .map(|event| event.device)
        .collect();
    assert_eq!(devices, [Some(first)]);
}

#[tokio::test]
async fn a_paused_pairing_is_over() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    gateway.network.tell(device, qr("shown"));
    gateway.request(device, DeviceRequest::Pause).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Unlinked).await,
        DeviceReason::PairingCanceled
    );
    assert_eq!(gateway.device(device).await.expect("it stays").pairing, None);
}

#[tokio::test]
async fn a_link_that_comes_while_the_client_is_closing_is_kept() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    let client = gateway.network.client(device);
    let account = account(OWNER);
    *client.last_words.lock().expect("no panic") = vec![Observed::Paired { account }];
    gateway.request(device, DeviceRequest::Pause).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Disconnected).await,
        DeviceReason::Stopped
    );
    gateway.request(device, DeviceRequest::Resume).await;
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.becomes(device, DeviceState::Connected).await;
    assert_eq!(client.wipes.load(Ordering::SeqCst), 1, "only before pairing");
}

#[tokio::test]
async fn a_device_that_cannot_be_opened_for_pairing_goes_on_pairing() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    let client = gateway.network.client(device);
    client.open_failures.store(2, Ordering::SeqCst);
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    gateway.network.tell(device, qr("at last"));
    eventually(async || {
        let row = gateway.device(device).await?;
        (row.status.reason == DeviceReason::QrShown).then_some(())
    })
    .await;
    let events = gateway.events().await;
    assert!(events.iter().all(|event| event.kind == EventType::DevicePairing));
}

#[tokio::test]
async fn a_pairing_code_that_nobody_enters_ends_the_pairing() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    let phone = OWNER.parse().expect("a number");
    gateway.ask_for_pairing(device, Some(phone)).await;
    gateway.network.opened(device, 1).await;
    gateway.network.tell(device, qr("ready"));
    gateway.network.tell(
        device,
        Observed::PairingCode {
            code: Secret::new("ABCD1234".to_owned()),
            valid_for: Duration::ZERO,
        },
    );
    assert_eq!(
        gateway.becomes(device, DeviceState::Unlinked).await,
        DeviceReason::PairingCodeExpired
    );
    assert_eq!(gateway.device(device).await.expect("it stays").pairing, None);
}

#[tokio::test]
async fn a_logout_calls_pairing_off() {
    let gateway = Gateway::start().await;
    let device = gateway.create().await;
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 1).await;
    gateway.network.tell(device, qr("shown"));
    gateway.request(device, DeviceRequest::LogOut).await;
    assert_eq!(
        gateway.becomes(device, DeviceState::Unlinked).await,
        DeviceReason::PairingCanceled
    );
    // And it can be asked for again.
    gateway.ask_for_pairing(device, None).await;
    gateway.network.opened(device, 2).await;
}
