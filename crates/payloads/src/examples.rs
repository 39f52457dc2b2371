//! A realistic event of every type, for tests of webhooks and for the documentation; the same every time.

use postern_domain::event::{EventPayload, Quoted};
use postern_domain::webhook::{AttemptFailure, DisableReason};
use postern_domain::{
    Address, BatchId, Content, DeviceId, DeviceReason, Event, EventId, EventType, FailureCode, Lid,
    MessageId, MessageStatus, PhoneNumber, Timestamp, WebhookId, WorkspaceId,
};

/// 2026-12-01T09:00:00Z
const AT: Timestamp = Timestamp::from_millis(1_796_115_600_000);

const CONTACT: Address = Address::Phone(PhoneNumber::EXAMPLE);

/// An event of this type.
#[must_use]
pub fn example(kind: EventType) -> Event {
    let of_a_device = !matches!(kind, EventType::WebhookDisabled | EventType::QuotaWarning);
    let number = u64::from(kind.number());
    Event {
        id: EventId::from_bytes(id(number)),
        seq: 1_200 + number,
        workspace: WorkspaceId::from_bytes(id(1)),
        workspace_seq: 1_200 + number,
        device: of_a_device.then(|| DeviceId::from_bytes(id(2))),
        device_seq: of_a_device.then_some(340 + number),
        kind,
        at: AT,
        payload: payload(kind),
    }
}

/// The same under an id of its own, as if it had just happened: consumers fold what comes again under the same id.
#[must_use]
pub fn fresh_example(kind: EventType, workspace: WorkspaceId, now: Timestamp) -> Event {
    Event {
        id: EventId::generate(),
        workspace,
        at: now,
        ..example(kind)
    }
}

fn payload(kind: EventType) -> EventPayload {
    match kind {
        EventType::MessageAccepted => message(MessageStatus::Queued),
        EventType::MessageSent => message(MessageStatus::Sent),
        EventType::MessageDelivered => message(MessageStatus::Delivered),
        EventType::MessageRead => message(MessageStatus::Read),
        EventType::MessageFailed => message(MessageStatus::Failed),
        EventType::MessageCanceled => message(MessageStatus::Canceled),
        EventType::MessageReceived => received(),
        EventType::DevicePairing => device(DeviceReason::QrShown, false),
        EventType::DeviceConnected => device(DeviceReason::Healthy, false),
        EventType::DeviceDegraded => device(DeviceReason::ConnectionLost, true),
        EventType::DeviceDisconnected => device(DeviceReason::TemporaryBan, true),
        EventType::DeviceUnlinked => device(DeviceReason::LoggedOut, false),
        EventType::WebhookDisabled => EventPayload::Webhook {
            webhook: WebhookId::from_bytes(id(5)),
            url: "https://example.com/hooks/whatsapp".to_owned(),
            reason: DisableReason::Failing,
            failing_since: Some(Timestamp::from_millis(AT.as_millis() - 5 * 86_400_000)),
            status: Some(503),
            failure: Some(AttemptFailure::Status),
        },
        EventType::QuotaWarning => EventPayload::Quota {
            period: "2026-12".to_owned(),
            used: 2_400,
            limit: 3_000,
            percent: 80,
        },
    }
}

fn message(status: MessageStatus) -> EventPayload {
    let failed = status == MessageStatus::Failed;
    EventPayload::Message {
        message: MessageId::from_bytes(id(3)),
        to: CONTACT,
        status,
        failure: failed.then(|| {
            (
                FailureCode::NotOnWhatsApp,
                "The recipient has no WhatsApp account.".to_owned(),
            )
        }),
        client_reference: "order-1234".parse().ok(),
        metadata: Some(r#"{"orderId":"1234"}"#.to_owned()),
        batch: (status == MessageStatus::Queued).then(|| BatchId::from_bytes(id(4))),
    }
}

fn received() -> EventPayload {
    EventPayload::Received {
        message: MessageId::from_bytes(id(6)),
        chat: CONTACT,
        sender: CONTACT,
        sender_lid: Some(Lid::EXAMPLE),
        push_name: Some("Ada".to_owned()),
        sent_at: Timestamp::from_millis(AT.as_millis() - 1_000),
        content: Content::Text {
            body: "Where is my order?".to_owned(),
        },
        quoted: Some(Quoted::Message(MessageId::from_bytes(id(3)))),
    }
}

fn device(reason: DeviceReason, tries_again: bool) -> EventPayload {
    let later = Timestamp::from_millis(AT.as_millis() + 60_000);
    EventPayload::Device {
        state: reason.state(),
        reason,
        retry_at: tries_again.then_some(later),
    }
}

/// The bytes of an id that was made then.
fn id(number: u64) -> [u8; 16] {
    let time = AT.as_millis().cast_unsigned();
    ((u128::from(time) << 80) | u128::from(number)).to_be_bytes()
}
