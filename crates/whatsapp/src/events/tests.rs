//! Each event of the client, and what is told of it.

use std::time::Duration;

use postern_domain::Timestamp;
use wacore::chrono;
use wacore::types::events::{
    ClientOutdated, Connected, Disconnected, PairError, PairingCode, PairingCodeError, PairingCodeRefresh,
    PairingQrCode, PairingQrCodesExhausted, SelfPushNameUpdated, StreamReplaced, TempBanReason, TemporaryBan,
};
use wacore::types::message::MessageSource;
use whatsapp_rust::transport::DisconnectReason;

use super::*;
use crate::report::tests::{Notes, reporter};

fn events() -> (Arc<Events>, Arc<Notes>) {
    let (reporter, notes) = reporter();
    let stop = CancellationToken::new();
    let events = Events {
        tasks: SessionTasks::new(reporter.device, stop.clone()),
        reporter,
        stop,
        pairing: Pairing::default(),
        client: OnceLock::new(),
    };
    (Arc::new(events), notes)
}

/// What is told of these events, and of the end after them.
fn told(happening: impl IntoIterator<Item = Event>) -> Vec<Observed> {
    let (events, notes) = events();
    for event in happening {
        assert!(
            Handler(Arc::clone(&events)).interest().wants(event.kind()),
            "{event:?} is not asked for"
        );
        events.translate(&event);
    }
    events.reporter.end(Ending::Crashed);
    let mut told = notes.take();
    if told.last() == Some(&Observed::Ended(Ending::Crashed)) {
        told.pop();
    }
    told
}

fn jid(text: &str) -> Jid {
    text.parse().expect("a JID")
}

fn failure(reason: ConnectFailureReason) -> Event {
    Event::ConnectFailure(ConnectFailure::builder().reason(reason).build())
}

fn logged_out(reason: ConnectFailureReason) -> Event {
    Event::LoggedOut(LoggedOut::builder().on_connect(true).reason(reason).build())
}

fn exhausted(disconnected: bool) -> Event {
    Event::PairingQrCodesExhausted(
        PairingQrCodesExhausted::builder()
            .disconnected(disconnected)
            .build(),
    )
}

fn ack(class: &str, error: Option<&str>) -> Event {
    Event::ServerAck(
        ServerAck::builder()
            .id("3EB0AA".to_owned())
            .class(class.to_owned())
            .maybe_timestamp(wacore::time::from_secs(1_700_000_000))
            .maybe_error(error.map(str::to_owned))
            .build(),
    )
}

fn receipt(kind: ReceiptType) -> Event {
    let source = MessageSource {
        chat: jid("15551234567:2@s.whatsapp.net"),
        sender: jid("15551234567:2@s.whatsapp.net"),
        ..Default::default()
    };
    Event::Receipt(
        Receipt::builder()
            .source(source)
            .message_ids(vec!["3EB0AA".to_owned(), "3EB0BB".to_owned()])
            .timestamp(wacore::time::from_secs(1_700_000_000).expect("a time"))
            .r#type(kind)
            .offline(false)
            .build(),
    )
}

#[test]
fn connections_come_and_go() {
    let lost = Event::Disconnected(
        Disconnected::builder()
            .reason(DisconnectReason::StreamEnded)
            .build(),
    );
    let connected = || Event::Connected(Connected::builder().build());
    assert_eq!(
        told([connected(), lost, connected()]),
        [Observed::Connected, Observed::ConnectionLost, Observed::Connected]
    );
    for reason in [
        ConnectFailureReason::ServiceUnavailable,
        ConnectFailureReason::InternalServerError,
    ] {
        assert_eq!(told([failure(reason)]), [Observed::ServerUnavailable]);
    }
}

#[test]
fn sessions_end_for_one_reason() {
    let ban = Event::TemporaryBan(
        TemporaryBan::builder()
            .code(TempBanReason::SentToTooManyPeople)
            .expire(chrono::Duration::seconds(3600))
            .build(),
    );
    let table = [
        (logged_out(ConnectFailureReason::LoggedOut), Ending::LoggedOut),
        (logged_out(ConnectFailureReason::UnknownLogout), Ending::LoggedOut),
        (
            logged_out(ConnectFailureReason::AccountLocked),
            Ending::AccountRemoved,
        ),
        (
            Event::StreamReplaced(StreamReplaced::builder().build()),
            Ending::StreamReplaced,
        ),
        (
            Event::ClientOutdated(ClientOutdated::builder().build()),
            Ending::ClientOutdated,
        ),
        (ban, Ending::TemporaryBan(Duration::from_secs(3600))),
        (
            failure(ConnectFailureReason::BadUserAgent),
            Ending::LoginRefused { code: 409 },
        ),
        // A ban that does not say how long.
        (
            failure(ConnectFailureReason::TempBanned),
            Ending::LoginRefused { code: 402 },
        ),
        (
            failure(ConnectFailureReason::Unknown(-1)),
            Ending::LoginRefused { code: 0 },
        ),
        (exhausted(true), Ending::CodesExhausted),
    ];
    for (event, ending) in table {
        // The second one comes when WhatsApp both answers and throws the device out.
        let again = logged_out(ConnectFailureReason::LoggedOut);
        assert_eq!(told([event, again]), [Observed::Ended(ending)]);
    }
}

#[test]
fn only_acks_of_messages_count() {
    let stanza = || StanzaId::from("3EB0AA".to_owned());
    let acked = Observed::Acked {
        stanza: stanza(),
        at: Some(Timestamp::from_millis(1_700_000_000_000)),
    };
    let refused = Observed::Refused {
        stanza: stanza(),
        code: "479".to_owned(),
    };
    assert_eq!(
        told([
            ack("receipt", None),
            ack("message", None),
            ack("message", Some("479")),
            ack("call", Some("500")),
        ]),
        [acked, refused]
    );
}

#[test]
fn only_receipts_that_a_sender_sees_count() {
    for (kind, seen) in [
        (ReceiptType::Delivered, ReceiptKind::Delivered),
        (ReceiptType::Read, ReceiptKind::Read),
        (ReceiptType::Played, ReceiptKind::Played),
    ] {
        let expected = Observed::Receipt {
            stanzas: vec!["3EB0AA".to_owned().into(), "3EB0BB".to_owned().into()],
            kind: seen,
            at: Timestamp::from_millis(1_700_000_000_000),
        };
        assert_eq!(told([receipt(kind)]), [expected]);
    }
    for kind in [
        ReceiptType::Sent,
        ReceiptType::Sender,
        ReceiptType::Retry,
        ReceiptType::ReadSelf,
        ReceiptType::PlayedSelf,
        ReceiptType::ServerError,
        ReceiptType::Inactive,
        ReceiptType::PeerMsg,
        ReceiptType::Other("new".to_owned()),
    ] {
        assert_eq!(told([receipt(kind)]), []);
    }
}

#[test]
fn codes_are_shown_and_kept_out_of_logs() {
    let qr = PairingQrCode::builder()
        .code("ref,key".to_owned())
        .timeout(Duration::from_secs(60))
        .build();
    let code = PairingCode::builder()
        .code("ABCD1234".to_owned())
        .timeout(Duration::from_secs(180))
        .build();
    let told = told([Event::PairingQrCode(qr), Event::PairingCode(code)]);
    assert_eq!(
        told,
        [
            Observed::QrCode {
                code: Secret::new("ref,key".to_owned()),
                valid_for: Duration::from_secs(60)
            },
            Observed::PairingCode {
                code: Secret::new("ABCD1234".to_owned()),
                valid_for: Duration::from_secs(180)
            },
        ]
    );
    assert!(!format!("{told:?}").contains("ABCD"));
}

#[test]
fn a_link_names_its_account() {
    let success = |id: &str| {
        Event::PairSuccess(
            PairSuccess::builder()
                .id(jid(id))
                .lid(jid("100000012345678:7@lid"))
                .business_name(String::new())
                .platform("android".to_owned())
                .build(),
        )
    };
    let told_of = told([success("15551234567:7@s.whatsapp.net")]);
    let account = Account {
        phone: address::phone(&jid("15551234567@s.whatsapp.net")).expect("a number"),
        lid: address::lid(&jid("100000012345678@lid")),
        companion: 7,
        push_name: None,
        platform: Some("android".to_owned()),
    };
    assert_eq!(told_of, [Observed::Paired { account }]);
    assert!(matches!(
        &told([success("120363021033254949@g.us")])[..],
        [Observed::PairingFailed { .. }]
    ));
}

#[test]
fn failures_to_link_say_why_without_numbers() {
    let pair_error = PairError::builder()
        .id(jid("15551234567@s.whatsapp.net"))
        .lid(jid("100000012345678@lid"))
        .business_name(String::new())
        .platform(String::new())
        .error("bad signature for 15551234567".to_owned())
        .build();
    let code_error = PairingCodeError::builder()
        .error("not-authorized".to_owned())
        .build();
    // Nobody asked for the code that is to be replaced.
    let refresh = PairingCodeRefresh::builder().force_manual(false).build();
    let failed = |why: &str| Observed::PairingFailed { why: why.to_owned() };
    assert_eq!(
        told([
            Event::PairError(pair_error),
            Event::PairingCodeError(code_error),
            Event::PairingCodeRefresh(refresh),
        ]),
        [
            failed("bad signature for …"),
            failed("not-authorized"),
            failed("the pairing code is no longer valid; ask for a new one"),
        ]
    );
}

#[tokio::test]
async fn a_pairing_code_outlives_the_qr_codes() {
    let (events, notes) = events();
    events.translate(&exhausted(false));
    tokio::task::yield_now().await;
    assert_eq!(events.reporter.cause(), None);
    assert!(!events.stop.is_cancelled());
    assert_eq!(notes.take(), []);
}

#[test]
fn names_of_the_account_are_told() {
    let update = SelfPushNameUpdated::builder()
        .from_server(true)
        .old_name(String::new())
        .new_name("Ada".to_owned())
        .build();
    assert_eq!(
        told([Event::SelfPushNameUpdated(update)]),
        [Observed::PushName("Ada".to_owned())]
    );
}
