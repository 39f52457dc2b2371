//! `/groups`: groups of people, some of whom may be accounts.

use std::collections::HashSet;

use actix_web::web::{Bytes, Data, Json, Path};
use actix_web::{HttpResponse, Responder};
use postern_domain::PhoneNumber;
use serde::{Deserialize, Serialize};
use wacore_binary::Jid;

use super::error::ControlError;
use super::request;
use crate::groups::{Group, MAX_PARTICIPANTS};
use crate::network::Network;

/// As much as WhatsApp takes.
const MAX_SUBJECT_CHARACTERS: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    id: String,
    subject: String,
    participants: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    subject: String,
    participants: Vec<String>,
}

/// `POST /groups`. The first participant made the group; nobody needs to have been heard of before.
pub(super) async fn create(network: Data<Network>, body: Bytes) -> Result<impl Responder, ControlError> {
    let create: Create = request::body(&body)?;
    if !(1..=MAX_SUBJECT_CHARACTERS).contains(&create.subject.chars().count()) {
        return Err(ControlError::invalid("subject", "must have 1 to 100 characters"));
    }
    let participants = participants(&create.participants)?;
    let group = network
        .add_group(Group::new(create.subject, participants))
        .map_err(|_full| ControlError::InvalidState("there are as many groups as there can be".to_owned()))?;
    network.changed.notify_one();
    Ok(HttpResponse::Created().json(shown(&group)))
}

fn participants(listed: &[String]) -> Result<Vec<PhoneNumber>, ControlError> {
    if !(1..=MAX_PARTICIPANTS).contains(&listed.len()) {
        return Err(ControlError::invalid("participants", "must be 1 to 1024 numbers"));
    }
    let phones = listed.iter().enumerate().map(|(index, phone)| {
        let field = format!("participants[{index}]");
        request::parse_phone(&field, phone)
    });
    let phones = phones.collect::<Result<Vec<_>, _>>()?;
    if phones.iter().collect::<HashSet<_>>().len() < phones.len() {
        return Err(ControlError::invalid("participants", "names somebody twice"));
    }
    Ok(phones)
}

/// `GET /groups/{group}`.
pub(super) async fn show(network: Data<Network>, path: Path<String>) -> Result<Json<Shown>, ControlError> {
    let jid: Option<Jid> = path.parse().ok();
    let group = jid
        .and_then(|jid| network.group(&jid))
        .ok_or(ControlError::NotFound("no such group"))?;
    Ok(Json(shown(&group)))
}

fn shown(group: &Group) -> Shown {
    Shown {
        id: group.jid().to_string(),
        subject: group.subject.clone(),
        participants: group.participants.iter().map(ToString::to_string).collect(),
    }
}
