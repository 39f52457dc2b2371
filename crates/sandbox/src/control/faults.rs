//! `/faults`: things that go wrong, on request.

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Json, Query};
use actix_web::{HttpResponse, Responder};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::error::ControlError;
use super::fault_request::read_order;
use super::request;
use crate::faults::{self, Fault, Kind, Missed, Trap};
use crate::network::Network;
use crate::outbox::Outbox;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Injected {
    phone: String,
    kind: Kind,
    /// How many companions it struck, or was armed for; unknown while it is yet to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    companions: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u128>,
}

/// `POST /faults`.
pub(super) async fn inject(network: Data<Network>, body: Bytes) -> Result<impl Responder, ControlError> {
    let order = read_order(&body)?;
    let mut injected = Injected {
        phone: order.phone.to_string(),
        kind: order.kind,
        companions: None,
        delay_ms: None,
    };
    let status = if order.delay.is_zero() {
        injected.companions = Some(faults::strike(&network, &order)?);
        StatusCode::OK
    } else {
        injected.delay_ms = Some(order.delay.as_millis());
        faults::later(network, order)?;
        StatusCode::ACCEPTED
    };
    Ok(HttpResponse::build(status).json(injected))
}

#[derive(Serialize)]
struct Faults {
    data: Vec<Listed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    phone: String,
    /// Missing when it is for all of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<u16>,
    state: State,
    #[serde(flatten)]
    what: What,
    /// How many times it still strikes; missing when that has no end or no meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_in_ms: Option<u128>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// Its delay is not over.
    Scheduled,
    /// It waits for its occasion.
    Armed,
    /// The open connection suffers from it.
    InEffect,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What {
    Trap(Trap),
    DropFramesAfter { kind: Kind, frames: u64 },
    Kind { kind: Kind },
}

/// `GET /faults`: everything that is scheduled, armed or in effect.
pub(super) async fn list(network: Data<Network>) -> impl Responder {
    let now = Instant::now();
    let mut data = network.schedule.read(|scheduled| {
        let order = &scheduled.order;
        let (what, count) = match &order.fault {
            Fault::End(_) => (What::Kind { kind: order.kind }, None),
            Fault::DropFramesAfter(frames) => (dropping(*frames), None),
            Fault::Arm { trap, left, .. } => (What::Trap(trap.clone()), left.count()),
        };
        Listed {
            phone: order.phone.to_string(),
            device: order.device,
            state: State::Scheduled,
            what,
            count,
            due_in_ms: Some(scheduled.due.saturating_duration_since(now).as_millis()),
        }
    });
    let mut people = network.people();
    people.sort_unstable_by_key(|person| person.phone.as_u64());
    for person in people {
        let phone = person.phone.to_string();
        for companion in person.lock().account.companions.values() {
            let listed = |state, what, count| Listed {
                phone: phone.clone(),
                device: Some(companion.device),
                state,
                what,
                count,
                due_in_ms: None,
            };
            for (trap, left) in companion.faults.iter() {
                data.push(listed(State::Armed, What::Trap(trap.clone()), left.count()));
            }
            let line = companion.line.as_ref();
            for what in line.into_iter().flat_map(|line| in_effect(&line.outbox)) {
                data.push(listed(State::InEffect, what, None));
            }
        }
    }
    Json(Faults { data })
}

fn in_effect(outbox: &Outbox) -> impl Iterator<Item = What> {
    let treatment = outbox.treatment();
    let mute = treatment.muted.then_some(What::Trap(Trap::Mute));
    mute.into_iter().chain(treatment.heard_frames.map(dropping))
}

fn dropping(frames: u64) -> What {
    What::DropFramesAfter {
        kind: Kind::DropFramesAfter,
        frames,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    phone: Option<String>,
}

/// `DELETE /faults`: nothing is scheduled, armed or in effect any more.
pub(super) async fn clear(
    network: Data<Network>,
    filter: Query<Filter>,
) -> Result<impl Responder, ControlError> {
    let phone = filter
        .phone
        .as_deref()
        // A plus that nobody encoded is a space.
        .map(|phone| request::parse_phone("phone", phone.trim_start()))
        .transpose()?;
    faults::clear(&network, phone);
    Ok(HttpResponse::NoContent())
}

impl From<Missed> for ControlError {
    fn from(missed: Missed) -> Self {
        match missed {
            Missed::Unknown => Self::NotFound("nobody has linked a device to this number"),
            Missed::NoSuchDevice => Self::NotFound("this account has no linked device with this number"),
            Missed::NotLinked | Missed::NotConnected | Missed::Full => Self::InvalidState(missed.to_string()),
        }
    }
}
