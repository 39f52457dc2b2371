//! Devices: what the operator may ask, what sessions report, and what each sees of the other.

use postern_domain::event::EventPayload;
use postern_domain::port::Secret;
use postern_domain::{DeviceCounters, DeviceReason, DeviceState, DeviceStatus, EventType, Intent, Lid};

use super::*;

fn code(kind: CodeKind, text: &str, expires_at: i64) -> ShownCode {
    ShownCode {
        kind,
        code: Secret::new(text.to_owned()),
        expires_at: at(expires_at),
    }
}

impl Fixture {
    async fn new_device(&self) -> DeviceId {
        let id = DeviceId::generate();
        self.store
            .create_device(self.workspace, id, "desk".to_owned(), at(0))
            .await
            .expect("a device");
        id
    }

    async fn signal(&self, id: DeviceId, signal: Signal, now: i64) -> DeviceStatus {
        let status = self.store.signal(id, signal, at(now)).await.expect("signalled");
        status.expect("a device")
    }

    async fn request(&self, id: DeviceId) -> Result<PairingRequest, PairingError> {
        self.store.request_pairing(self.workspace, id, None).await
    }

    async fn shown(&self, id: DeviceId, now: i64) -> Option<ShownCode> {
        let shown = self.store.shown_code(self.workspace, id, at(now)).await;
        shown.expect("an answer")
    }
}

#[tokio::test]
async fn a_new_device_was_never_paired() {
    let fixture = Fixture::new().await;
    let id = fixture.new_device().await;
    let device = fixture
        .store
        .device(fixture.workspace, id)
        .await
        .expect("an answer")
        .expect("a device");
    let expected = Device {
        id,
        workspace: fixture.workspace,
        name: "desk".to_owned(),
        intent: Intent::Linked,
        status: DeviceStatus {
            state: DeviceState::Unlinked,
            reason: DeviceReason::New,
            since: at(0),
            retry_at: None,
        },
        linked: false,
        account: None,
        pairing: None,
        reconnect: None,
        purge: false,
        parking: None,
        pacing: None,
        held: false,
        heard_at: None,
        counters: DeviceCounters::default(),
        created_at: at(0),
    };
    assert_eq!(device, expected);
    for held in [true, false] {
        let change = WorkspaceChange {
            deactivate: Some(held.then(|| "unpaid".to_owned())),
            ..WorkspaceChange::default()
        };
        let changed = fixture
            .store
            .change_workspace(fixture.workspace, change, at(1))
            .await;
        assert!(changed.expect("written").is_some());
        let devices = fixture.store.all_devices().await.expect("devices");
        assert!(devices.iter().all(|device| device.held == held), "{devices:?}");
    }
}

#[tokio::test]
async fn pairing_from_the_request_to_the_link() {
    let mut fixture = Fixture::new().await;
    let id = fixture.new_device().await;
    let phone = number("15557654321");
    let request = fixture
        .store
        .request_pairing(fixture.workspace, id, Some(phone))
        .await
        .expect("a request");
    assert_eq!(
        request,
        PairingRequest {
            number: 1,
            phone: Some(phone)
        }
    );
    assert_eq!(fixture.observed(id).await.pairing, Some(request));
    fixture.signal(id, Signal::PairingStarted, 10).await;

    let first = code(CodeKind::Qr, "first", 60);
    fixture
        .store
        .show_code(id, 1, first.clone(), at(20))
        .await
        .expect("shown");
    assert_eq!(fixture.shown(id, 59).await, Some(first));
    assert_eq!(fixture.shown(id, 60).await, None, "it ran out");
    let second = code(CodeKind::Qr, "second", 80);
    fixture
        .store
        .show_code(id, 1, second.clone(), at(60))
        .await
        .expect("shown");
    assert_eq!(fixture.observed(id).await.status.since, at(20));
    fixture.signal(id, Signal::ConnectionLost, 61).await;
    fixture.reopen().await;
    assert_eq!(fixture.shown(id, 70).await, Some(second));

    let account = Account {
        lid: Lid::from_digits("9999999999999999999").ok(),
        ..account("15557654321")
    };
    fixture
        .store
        .link_account(id, account.clone(), at(70))
        .await
        .expect("linked");
    let device = fixture.observed(id).await;
    assert_eq!(
        (device.linked, device.account, device.pairing),
        (true, Some(account), None)
    );
    assert_eq!(device.status.reason, DeviceReason::LoggingIn);
    assert_eq!(fixture.shown(id, 71).await, None);
    fixture.signal(id, Signal::Connected, 80).await;
    fixture
        .store
        .set_push_name(id, "Lovelace".to_owned())
        .await
        .expect("set");
    let account = fixture.observed(id).await.account.expect("an account");
    assert_eq!(account.push_name.as_deref(), Some("Lovelace"));

    let told: Vec<_> = fixture
        .events()
        .await
        .into_iter()
        .map(|event| match event.payload {
            EventPayload::Device { state, reason, .. } => {
                assert_eq!(event.kind, EventType::of_device(state));
                (event.device_seq, reason.name())
            }
            _ => panic!("a device's event"),
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(1), "awaiting_code"),
            (Some(2), "qr_shown"),
            (Some(3), "logging_in"),
            (Some(4), "healthy")
        ]
    );
    assert!(matches!(
        fixture.request(id).await,
        Err(PairingError::AlreadyLinked(status)) if status.state == DeviceState::Connected
    ));
}

#[tokio::test]
async fn a_request_starts_anew_and_ends_with_the_codes() {
    let fixture = Fixture::new().await;
    let id = fixture.new_device().await;
    fixture.ask(id, DeviceRequest::Pause).await.expect("paused");
    fixture.request(id).await.expect("a request");
    assert_eq!(fixture.observed(id).await.intent, Intent::Linked);
    let shown = code(CodeKind::PairingCode, "ABCD1234", 99);
    fixture
        .store
        .show_code(id, 1, shown.clone(), at(10))
        .await
        .expect("shown");
    assert_eq!(
        fixture.observed(id).await.status.reason,
        DeviceReason::PairingCodeShown
    );
    assert_eq!(fixture.request(id).await.expect("a request").number, 2);
    assert_eq!(fixture.shown(id, 11).await, None);

    let show = |number| fixture.store.show_code(id, number, shown.clone(), at(12));
    show(1).await.expect("ignored");
    assert_eq!(fixture.shown(id, 12).await, None, "it answers an older request");
    show(2).await.expect("shown");
    let end = |number| {
        fixture
            .store
            .end_pairing(id, number, Signal::CodesExhausted, at(20))
    };
    let older = end(1).await.expect("an answer").expect("a device");
    assert_eq!(
        older.reason,
        DeviceReason::PairingCodeShown,
        "a newer request goes on"
    );
    let status = end(2).await.expect("an answer").expect("a device");
    assert_eq!(status.reason, DeviceReason::QrExpired);
    assert_eq!(fixture.observed(id).await.pairing, None);
    assert_eq!(fixture.shown(id, 21).await, None);
}

#[tokio::test]
async fn logging_out_says_whether_messages_are_left() {
    let fixture = Fixture::new().await;
    let id = fixture.device;
    fixture.accept(1, 10).await;
    let logged_out = Signal::LoggedOut { messages_left: false };
    let status = fixture.signal(id, logged_out, 20).await;
    assert_eq!(
        (status.state, status.reason),
        (DeviceState::Disconnected, DeviceReason::LoggedOut)
    );
    let device = fixture.observed(id).await;
    assert!(!device.linked && device.account.is_some());

    fixture
        .store
        .link_account(id, account("15550000001"), at(30))
        .await
        .expect("linked");
    fixture.signal(id, Signal::Connected, 30).await;
    let released = fixture.store.release_parked(fixture.workspace, id, at(35)).await;
    assert_eq!(released.expect("released"), 1);
    fixture.claim(1, 40).await;
    fixture.record(acked("OUT0"), 50).await;
    let status = fixture
        .signal(id, Signal::LoggedOut { messages_left: true }, 60)
        .await;
    assert_eq!(status.state, DeviceState::Unlinked);
    assert!(fixture.request(id).await.is_ok(), "it can be paired again");
}

#[tokio::test]
async fn a_time_alone_is_stored_and_told_to_nobody() {
    let fixture = Fixture::new().await;
    let retry_at = |time| Signal::ServerUnavailable {
        retry_at: Some(at(time)),
    };
    fixture.signal(fixture.device, retry_at(100), 10).await;
    fixture.signal(fixture.device, retry_at(200), 20).await;
    let status = fixture.observed(fixture.device).await.status;
    assert_eq!((status.since, status.retry_at), (at(10), Some(at(200))));
    assert_eq!(fixture.event_names().await, ["device.degraded"]);
    let gone = fixture
        .store
        .signal(DeviceId::generate(), Signal::Connected, at(30))
        .await;
    assert_eq!(gone, Ok(None));
}

#[tokio::test]
async fn an_account_is_linked_once_in_a_workspace() {
    let fixture = Fixture::new().await;
    let second = fixture.new_device().await;
    let link = |id| fixture.store.link_account(id, account("15550000001"), at(10));
    assert!(matches!(link(second).await, Err(LinkError::AccountTaken(holder)) if holder == fixture.device));
    assert!(!fixture.observed(second).await.linked);
    assert!(link(fixture.device).await.is_ok(), "linking again is no conflict");
    assert!(matches!(
        link(DeviceId::generate()).await,
        Err(LinkError::UnknownDevice)
    ));
    // One on its way out does not stand in the way.
    fixture.remove(fixture.device, false).await;
    assert!(link(second).await.is_ok());
}

#[tokio::test]
async fn removed_devices_and_those_of_others_do_not_exist_for_the_api() {
    let fixture = Fixture::new().await;
    let (store, id) = (&fixture.store, fixture.device);
    let shown = code(CodeKind::Qr, "secret", 99);
    store.show_code(id, 1, shown, at(10)).await.expect("an answer");
    for (workspace, removed) in [(WorkspaceId::generate(), false), (fixture.workspace, true)] {
        if removed {
            fixture.remove(id, false).await;
        }
        assert_eq!(store.device(workspace, id).await, Ok(None));
        assert_eq!(store.devices(workspace, 9, None).await, Ok((vec![], None)));
        let paused = store.request(workspace, id, DeviceRequest::Pause).await;
        assert!(matches!(paused, Err(RequestError::UnknownDevice)));
        assert_eq!(store.shown_code(workspace, id, at(10)).await, Ok(None));
        assert!(matches!(
            store.request_pairing(workspace, id, None).await,
            Err(PairingError::UnknownDevice)
        ));
    }
    assert_eq!(fixture.observed(id).await.intent, Intent::Removed);
    assert_eq!(store.all_devices().await.expect("devices").len(), 1);
}

#[tokio::test]
async fn devices_are_listed_newest_first_in_pages() {
    let fixture = Fixture::new().await;
    let mut ids = vec![fixture.device];
    for _ in 0..4 {
        ids.push(fixture.new_device().await);
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = fixture
            .store
            .devices(fixture.workspace, 2, after)
            .await
            .expect("a page");
        seen.extend(page.into_iter().map(|device| device.id));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

#[tokio::test]
async fn a_forgotten_device_cancels_what_waits_and_leaves_its_history() {
    let fixture = Fixture::new().await;
    let sent = fixture.accept(1, 10).await;
    let in_flight = fixture.accept(1, 10).await;
    let waiting = fixture.accept(2, 10).await;
    fixture.claim(3, 20).await;
    fixture.record(acked("OUT0"), 30).await;
    fixture.record(retry("OUT2", 500), 30).await;
    let queued = fixture.accept(1, 40).await;
    let scheduled = NewMessage {
        scheduled_for: Some(at(900)),
        ..fixture.message(1)
    };
    fixture.accept_this(&scheduled, 40).await;

    fixture
        .store
        .forget_device(fixture.device, at(50))
        .await
        .expect("forgotten");
    assert_eq!(fixture.store.session_device(fixture.device).await, Ok(None));
    assert_eq!(fixture.stored(sent.id).await.status, MessageStatus::Sent);
    for message in [&in_flight, &waiting, &queued, &scheduled] {
        assert_eq!(fixture.stored(message.id).await.status, MessageStatus::Canceled);
    }
    assert_eq!(
        fixture.steps(in_flight.id).await,
        ["queued", "processing", "retrying", "canceled"]
    );
    assert_eq!(fixture.next_due().await, None);
    assert!(fixture.claim(9, 60).await.is_empty());
    let names = fixture.event_names().await;
    assert_eq!(
        names.iter().filter(|name| **name == "message.canceled").count(),
        4
    );
    fixture
        .store
        .forget_device(fixture.device, at(60))
        .await
        .expect("again");
}

#[tokio::test]
async fn the_first_workspace_stays_the_first_and_a_ping_writes() {
    let mut fixture = Fixture::new().await;
    fixture.reopen().await;
    let store = &fixture.store;
    assert_eq!(store.first_workspace(at(99)).await, Ok(fixture.workspace));
    let log = fixture.folder.path().join("postern.db-wal");
    let length = || std::fs::metadata(&log).expect("a log of writes").len();
    for _ in 0..2 {
        let before = length();
        assert_eq!(store.ping_write().await, Ok(()));
        assert!(length() > before, "it is written to the disk");
    }
    store.close().await;
    assert_eq!(store.ping_read().await, Err(crate::StoreError::Closed));
    assert_eq!(store.ping_write().await, Err(crate::StoreError::Closed));
}

#[tokio::test]
async fn requests_follow_from_what_the_device_is() {
    use DeviceRequest::{LogOut, Pause, Reconnect, Resume};

    let fixture = Fixture::new().await;
    let id = fixture.device;
    let ask = async |request| {
        let asked = fixture.ask(id, request).await;
        asked.map(|device| (device.intent, device.reconnect)).ok()
    };
    assert_eq!(
        ask(Resume).await,
        Some((Intent::Linked, None)),
        "nothing to resume"
    );
    assert_eq!(ask(Reconnect).await, Some((Intent::Linked, Some(1))));
    assert_eq!(ask(Reconnect).await, Some((Intent::Linked, Some(2))));
    fixture.signal(id, Signal::Opening, 10).await;
    assert_eq!(fixture.observed(id).await.reconnect, None, "it is served");
    assert_eq!(ask(Pause).await, Some((Intent::Paused, None)));
    assert_eq!(ask(Reconnect).await, None, "it is paused");
    assert_eq!(ask(Resume).await, Some((Intent::Linked, Some(3))));
    assert_eq!(ask(LogOut).await, Some((Intent::Unlinked, Some(3))));
    for request in [LogOut, Pause, Resume] {
        assert_eq!(
            ask(request).await,
            Some((Intent::Unlinked, Some(3))),
            "it is on its way"
        );
    }
    assert_eq!(ask(Reconnect).await, None);
    fixture.log_out(20).await;
    assert_eq!(ask(LogOut).await, None, "there is nothing to log out");
    fixture.request(id).await.expect("a request");
    assert_eq!(
        ask(LogOut).await.map(|(intent, _)| intent),
        Some(Intent::Unlinked),
        "pairing is called off"
    );
}

#[tokio::test]
async fn what_whatsapp_says_is_counted() {
    let fixture = Fixture::new().await;
    let id = fixture.device;
    assert_eq!(
        fixture.observed(id).await.heard_at,
        Some(at(0)),
        "the first login"
    );
    fixture.accept(1, 10).await;
    fixture.accept(1, 10).await;
    fixture.claim(2, 20).await;
    fixture.record(retry("OUT1", 40), 25).await;
    assert_eq!(
        fixture.observed(id).await.heard_at,
        Some(at(0)),
        "an attempt that failed here"
    );
    fixture.record(acked("OUT0"), 30).await;
    fixture.record(receipt("OUT0", ReceiptKind::Read), 31).await;
    fixture.record(receipt("OUT1", ReceiptKind::Delivered), 32).await;
    fixture.signal(id, Signal::Silent, 33).await;
    fixture.signal(id, Signal::Connected, 34).await;
    fixture.signal(id, Signal::ConnectionLost, 35).await;
    fixture.signal(id, Signal::Connected, 36).await;
    let device = fixture.observed(id).await;
    let counted = DeviceCounters {
        reconnects: 1,
        sent: 2,
        received: 0,
        parked: 0,
    };
    assert_eq!((device.counters, device.heard_at), (counted, Some(at(36))));
}

#[tokio::test]
async fn a_purge_takes_the_history_of_that_device_alone() {
    let fixture = Fixture::new().await;
    let other = DeviceId::generate();
    fixture.add_device(other, "15550000002").await;
    let gone = fixture.accept(1, 10).await;
    let kept = NewMessage {
        device: other,
        ..fixture.message(1)
    };
    fixture.accept_this(&kept, 10).await;
    fixture.remove(fixture.device, true).await;
    fixture
        .store
        .forget_device(fixture.device, at(20))
        .await
        .expect("forgotten");
    assert!(
        fixture
            .store
            .message(fixture.workspace, gone.id)
            .await
            .expect("an answer")
            .is_none()
    );
    assert_eq!(fixture.stored(kept.id).await.status, MessageStatus::Queued);
    let events = fixture.events().await;
    let (last, others) = events.split_last().expect("events");
    assert!(others.iter().all(|event| event.device == Some(other)) && !others.is_empty());
    assert_eq!(
        last.kind,
        EventType::DeviceUnlinked,
        "the last number stays taken, and tells nothing"
    );
}

#[tokio::test]
async fn at_the_start_nothing_is_connected_and_no_code_is_shown() {
    let fixture = Fixture::new().await;
    let pairing = fixture.new_device().await;
    let request = fixture.request(pairing).await.expect("a request");
    let shown = code(CodeKind::Qr, "stale", 99);
    fixture
        .store
        .show_code(pairing, request.number, shown, at(10))
        .await
        .expect("shown");
    let unlinked = fixture.new_device().await;
    assert_eq!(fixture.store.begin(at(20)).await, Ok(2));
    let reason = async |id| fixture.observed(id).await.status.reason;
    assert_eq!(reason(fixture.device).await, DeviceReason::Connecting);
    assert_eq!(reason(pairing).await, DeviceReason::AwaitingCode);
    assert_eq!(fixture.shown(pairing, 20).await, None);
    assert_eq!(reason(unlinked).await, DeviceReason::New);
}
