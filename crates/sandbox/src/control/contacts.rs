//! `/contacts`: what contacts received, what they write, and how they behave.

use std::sync::Arc;

use actix_web::web::{Bytes, Data, Json, Path};
use actix_web::{HttpResponse, Responder};
use chrono::SecondsFormat;
use postern_domain::PhoneNumber;
use serde::{Deserialize, Serialize};
use wacore_binary::{Jid, JidExt};

use super::error::ControlError;
use super::request;
use crate::address::lid_jid;
use crate::contact;
use crate::groups::Group;
use crate::network::Network;
use crate::person::{Behaviour, Person};
use crate::said::{Kind, Said};
use crate::writing;

/// As much as WhatsApp takes.
const MAX_TEXT_BYTES: usize = 65_536;
/// More than any client makes.
const MAX_ID_BYTES: usize = 255;

#[derive(Serialize)]
pub(super) struct Contact {
    phone: String,
    lid: String,
    #[serde(flatten)]
    behaviour: Behaviour,
}

/// `GET /contacts/{phone}`.
pub(super) async fn show(network: Data<Network>, path: Path<String>) -> Result<Json<Contact>, ControlError> {
    let phone = request::phone(&path)?;
    let behaviour = network
        .known(phone)
        .map_or_else(Behaviour::default, |person| person.lock().behaviour);
    Ok(contact(phone, behaviour))
}

/// What is left out stays as it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    registered: Option<bool>,
    online: Option<bool>,
    auto_read: Option<bool>,
}

/// `PUT /contacts/{phone}`. Going online delivers what waited.
pub(super) async fn change(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Contact>, ControlError> {
    let phone = request::phone(&path)?;
    let change: Change = request::body(&body)?;
    let person = network.person(phone)?;
    let behaviour = {
        let behaviour = &mut person.lock().behaviour;
        behaviour.registered = change.registered.unwrap_or(behaviour.registered);
        behaviour.online = change.online.unwrap_or(behaviour.online);
        behaviour.auto_read = change.auto_read.unwrap_or(behaviour.auto_read);
        *behaviour
    };
    if behaviour.online {
        contact::catch_up(&network, &person);
    }
    network.changed.notify_one();
    Ok(contact(phone, behaviour))
}

fn contact(phone: PhoneNumber, behaviour: Behaviour) -> Json<Contact> {
    Json(Contact {
        phone: phone.to_string(),
        lid: lid_jid(phone, 0).to_string(),
        behaviour,
    })
}

#[derive(Serialize)]
struct Messages {
    data: Vec<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    stanza_id: String,
    from: String,
    /// The JID of the group it was written into.
    group: Option<String>,
    r#type: String,
    text: Option<String>,
    received_at: String,
    copies: u32,
}

/// `GET /contacts/{phone}/messages`: the latest 100 000, oldest first.
pub(super) async fn messages(
    network: Data<Network>,
    path: Path<String>,
) -> Result<impl Responder, ControlError> {
    let person = network.known(request::phone(&path)?);
    let data = person.map_or_else(Vec::new, |person| {
        let state = person.lock();
        let messages = state.inbox.messages().map(|message| Message {
            stanza_id: message.stanza_id.clone(),
            from: message.from.to_string(),
            group: message.group.clone(),
            r#type: message.kind.clone(),
            text: message.text.clone(),
            received_at: message.received_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            copies: message.copies,
        });
        messages.collect()
    });
    Ok(Json(Messages { data }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    to: String,
    /// May be left out unless it is a text.
    #[serde(default)]
    text: String,
    #[serde(default, rename = "type")]
    kind: Kind,
    /// The stanza id of the message it answers.
    quoted: Option<String>,
    /// The first copy cannot be read, so that the client asks for another one.
    #[serde(default)]
    undecryptable: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    stanza_id: String,
    from: String,
    to: String,
}

/// `POST /contacts/{phone}/messages`: the contact writes to an account's companions, or into a group.
pub(super) async fn write(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<impl Responder, ControlError> {
    let from = request::phone(&path)?;
    let write: Write = request::body(&body)?;
    let is_empty = write.kind == Kind::Text && write.text.is_empty();
    if is_empty || write.text.len() > MAX_TEXT_BYTES {
        return Err(ControlError::invalid("text", "must have 1 to 65536 bytes"));
    }
    let quoted = write.quoted.as_deref().unwrap_or("id");
    if quoted.is_empty() || quoted.len() > MAX_ID_BYTES {
        return Err(ControlError::invalid("quoted", "must have 1 to 255 bytes"));
    }
    let to = addressee(&network, from, &write.to)?;
    let contact = network.person(from)?;
    if !contact.lock().behaviour.registered {
        return Err(ControlError::InvalidState(
            "this contact is not registered".to_owned(),
        ));
    }
    let undecryptable = write.undecryptable;
    let said = Said {
        text: write.text,
        kind: write.kind,
        quoted: write.quoted,
    };
    let stanza_id = match &to {
        Addressee::Account(account) => writing::write(&network, &contact, account, &said, undecryptable)?,
        Addressee::Group(group) => writing::write_to_group(&network, &contact, group, &said, undecryptable)?,
    };
    Ok(HttpResponse::Created().json(Written {
        stanza_id,
        from: from.to_string(),
        to: match &to {
            Addressee::Account(account) => account.phone.to_string(),
            Addressee::Group(group) => group.jid().to_string(),
        },
    }))
}

/// To whom a contact writes.
enum Addressee {
    Account(Arc<Person>),
    Group(Arc<Group>),
}

fn addressee(network: &Network, from: PhoneNumber, to: &str) -> Result<Addressee, ControlError> {
    if let Some(jid) = to.parse::<Jid>().ok().filter(JidExt::is_group) {
        let group = network
            .group(&jid)
            .ok_or(ControlError::NotFound("no such group"))?;
        if !group.has(from) {
            return Err(ControlError::invalid("to", "this contact is not in this group"));
        }
        return Ok(Addressee::Group(group));
    }
    let to = request::parse_phone("to", to)?;
    if to == from {
        return Err(ControlError::invalid("to", "a contact does not write to itself"));
    }
    let account = network.known(to).ok_or(ControlError::NotFound(
        "nobody has linked a device to this number",
    ))?;
    Ok(Addressee::Account(account))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForgetSession {
    account: String,
}

#[derive(Serialize)]
pub(super) struct Forgotten {
    phone: String,
    account: String,
    /// How many of the account's devices the contact had a session with.
    sessions: usize,
}

/// `POST /contacts/{phone}/forget-session`: as after a phone was reset, the contact can read nothing that
/// the account's devices encrypt on the sessions they have.
pub(super) async fn forget_session(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Forgotten>, ControlError> {
    let phone = request::phone(&path)?;
    let forget: ForgetSession = request::body(&body)?;
    let account = request::parse_phone("account", &forget.account)?;
    let contact = network.known(phone);
    let sessions = contact.map_or(0, |contact| contact.lock().party.forget_person(account));
    if sessions == 0 {
        return Err(ControlError::InvalidState(
            "this contact has no session with this account".to_owned(),
        ));
    }
    network.changed.notify_one();
    Ok(Json(Forgotten {
        phone: phone.to_string(),
        account: account.to_string(),
        sessions,
    }))
}
