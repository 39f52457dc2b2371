//! `/messages/new`: writing a message.
//!
//! The form carries the id that the message will have, which is its idempotency key as well: however often it is sent, by
//! a double click or by going back, there is one message.

use std::time::Duration;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{
    Address, Content, DeviceId, DeviceState, MAX_TEXT_CHARS, MessageId, StanzaId, Timestamp, WorkspaceId,
    checked_send_at,
};
use postern_store::{AcceptError, Accepted, Device, IdempotencyKey, NewMessage};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::device::title;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, described_by, empty, field, form, heading, moment, under};

/// The scope of the form's idempotency keys.
const ENDPOINT: &str = "POST /messages";
/// How old a form may be: keys are remembered for a day.
const FORM_AGE: Duration = Duration::from_hours(20);

/// What is wrong with the form.
#[derive(Default)]
struct Wrong {
    device: Option<String>,
    to: Option<String>,
    body: Option<String>,
    at: Option<String>,
}

/// `GET /messages/new`
pub(crate) async fn new(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let devices = dashboard.devices(person.workspace()).await?;
    page(compose(&person, &devices, &fields, &Wrong::default()))
}

/// `POST /messages`
pub(crate) async fn send(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    if let Some(stopped) = &person.looks_at.deactivation {
        return Err(Failure::Refused(format!(
            "The workspace is deactivated and accepts no messages: {}. An owner can activate it under Workspaces.",
            stopped.reason
        )));
    }
    let now = dashboard.clock.now();
    let id = form_id(fields.get("id"), now)?;
    let message = match read(&fields, id, person.workspace(), now) {
        Ok(message) => message,
        Err(wrong) => {
            let devices = dashboard.devices(person.workspace()).await?;
            return refused(compose(&person, &devices, &fields, &wrong));
        }
    };
    let device = message.device;
    let key = idempotency(&message);
    let store = dashboard.acting(&person, "message.send", id);
    match store.accept(message, Some(key), now).await {
        Ok(Accepted::New) => {
            dashboard.wakes.outbox.ring(&device);
            dashboard.wakes.events.ring();
        }
        Ok(Accepted::Replayed { .. }) => {}
        Err(AcceptError::SessionDisconnected(status)) => {
            let why = format!("The device is {}. {}", status.state, status.reason.meaning());
            let wrong = Wrong {
                device: Some(why),
                ..Wrong::default()
            };
            let devices = dashboard.devices(person.workspace()).await?;
            return refused(compose(&person, &devices, &fields, &wrong));
        }
        Err(AcceptError::IdempotencyConflict) => {
            return Err(Failure::Refused(
                "This form was sent before with another text. Open a new one to send a second message."
                    .to_owned(),
            ));
        }
        Err(error) => return Err(error.into()),
    }
    see(format!("/messages/{id}?done=accepted"))
}

fn form_id(text: &str, now: Timestamp) -> Result<MessageId, Failure> {
    let made = text
        .strip_prefix(MessageId::PREFIX)
        .and_then(|ulid| Ulid::from_string(ulid).ok());
    let age = made.and_then(|ulid| i64::try_from(ulid.timestamp_ms()).ok());
    let fresh = age.is_some_and(|at| {
        let at = Timestamp::from_millis(at);
        now.since(at) < FORM_AGE && at.since(now) < Duration::from_secs(60)
    });
    if !fresh {
        return Err(Failure::Unreadable("It was open for too long. Open a new one."));
    }
    text.parse()
        .map_err(|_not_an_id| Failure::Unreadable("It has no id."))
}

fn read(fields: &Fields, id: MessageId, workspace: WorkspaceId, now: Timestamp) -> Result<NewMessage, Wrong> {
    let device = fields.get("device").parse::<DeviceId>();
    let to = fields.get("to").parse::<Address>();
    // Browsers send line ends as two characters.
    let body = Content::text(fields.raw("body").replace("\r\n", "\n"));
    let at = send_at(fields, now);
    match (device, to, body, at) {
        (Ok(device), Ok(to), Ok(content), Ok(scheduled_for)) => Ok(NewMessage {
            id,
            workspace,
            device,
            to,
            content,
            stanza: StanzaId::generate(),
            metadata: None,
            client_reference: None,
            scheduled_for,
            queue_if_disconnected: fields.ticked("queue"),
        }),
        (device, to, body, at) => Err(Wrong {
            at: at.err(),
            device: device.err().map(|_none| "Choose a device.".to_owned()),
            to: to.err().map(|why| sentence(&why.to_string())),
            body: body.err().map(|why| sentence(&format!("the text {why}"))),
        }),
    }
}

/// When it is to leave, if not at once.
fn send_at(fields: &Fields, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let at = fields.moment("at").map_err(|()| "This is no time.".to_owned())?;
    if let Some(at) = at {
        checked_send_at(at, now).map_err(|why| sentence(&format!("the time {}", why.message)))?;
    }
    Ok(at)
}

fn idempotency(message: &NewMessage) -> IdempotencyKey {
    let mut fingerprint = Sha256::new();
    fingerprint.update(message.device.to_bytes());
    fingerprint.update(message.to.to_string());
    fingerprint.update([0]);
    fingerprint.update(message.content.encode());
    if let Some(at) = message.scheduled_for {
        fingerprint.update(at.as_millis().to_be_bytes());
    }
    IdempotencyKey {
        endpoint: ENDPOINT,
        key: message.id.to_string(),
        fingerprint: fingerprint.finalize().into(),
        http_status: 303,
        body: Vec::new(),
    }
}

fn compose(person: &Person, devices: &[Device], fields: &Fields, wrong: &Wrong) -> Markup {
    let mut linked: Vec<_> = devices.iter().filter(|device| device.linked).collect();
    // The first is chosen unless told: one that can send.
    linked.sort_by_key(|device| device.status.state != DeviceState::Connected);
    let inner = html! {
        a class="back" href="/messages" { "Messages" }
        (heading("Send a message", html! {}, html! {}))
        @if linked.is_empty() {
            (empty(Icon::Device, "No device is linked", "Link one first: messages leave through it.", html! {
                a class="button primary" href="/devices/new" { (icon(Icon::Qr)) span { "Link a device" } }
            }))
        } @else { (the_form(person, &linked, fields, wrong)) }
    };
    shell(person, Place::Messages, "Send a message", inner)
}

fn the_form(person: &Person, devices: &[&Device], fields: &Fields, wrong: &Wrong) -> Markup {
    let id = match fields.get("id") {
        "" => MessageId::generate().to_string(),
        id => id.to_owned(),
    };
    let device_field = Field {
        name: "device",
        label: "From",
        hint: "",
        error: wrong.device.as_deref(),
    };
    let to_field = Field {
        name: "to",
        label: "To",
        hint: "A phone number with country code, or a group's id.",
        error: wrong.to.as_deref(),
    };
    let body_field = Field {
        name: "body",
        label: "Text",
        hint: "",
        error: wrong.body.as_deref(),
    };
    let more = [
        ("required", "required"),
        ("autocomplete", "off"),
        ("placeholder", "+15551234567"),
        ("autofocus", "autofocus"),
    ];
    html! {
        section class="card narrow" {
            (form(person, "/messages", html! {
                input type="hidden" name="id" value=(id);
                div class="field" {
                    label for="device" { (device_field.label) }
                    select id="device" name="device" required aria-describedby=(described_by(&device_field)) {
                        @for device in devices {
                            option value=(device.id) selected[fields.get("device") == device.id.to_string()] { (choice(device)) }
                        }
                    }
                    (under(&device_field))
                }
                (field(&to_field, "text", fields.get("to"), &more))
                div class="field" {
                    label for="body" { (body_field.label) }
                    textarea id="body" name="body" rows="5" required maxlength=(MAX_TEXT_CHARS) data-count
                        aria-describedby=(described_by(&body_field)) { (fields.raw("body")) }
                    (under(&body_field))
                }
                (moment("at", "When", "Empty is at once.", fields.get("at")))
                @if let Some(why) = &wrong.at { p class="error" { (icon(Icon::Alert)) span { (why) } } }
                label class="tick" {
                    input type="checkbox" name="queue" value="1" checked[fields.ticked("queue")];
                    span { "If the device cannot send now, keep the message until it can" }
                }
                div class="actions" {
                    button type="submit" class="button primary" data-once { (icon(Icon::Send)) span { "Send" } }
                }
            }))
        }
    }
}

fn choice(device: &Device) -> String {
    let number = device.account.as_ref().map(|account| account.phone.to_string());
    let name = format!("{} ({})", title(device), number.unwrap_or_default());
    if device.status.state == DeviceState::Connected {
        name
    } else {
        format!("{name}: {}", device.status.state)
    }
}
