//! `/phones/{phone}/scan` and the like: virtual phones link companions.

use std::time::Duration;

use actix_web::web::{self, Bytes, Data, Json, Path};
use postern_domain::PhoneNumber;
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::request;
use crate::address::{lid_jid, pn_jid};
use crate::network::Network;
use crate::pairing::{LinkError, Linking, PhoneHello, TypedCode, parse_qr};

/// A client answers a scan at once, and a typed code after a second of arithmetic.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scan {
    qr: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Linked {
    phone: String,
    device: u16,
    jid: String,
    lid: String,
}

/// `POST /phones/{phone}/scan`; the account comes into being when the number is new.
pub(super) async fn scan(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Linked>, ControlError> {
    let phone = request::phone(&path)?;
    let scan: Scan = request::body(&body)?;
    let code =
        parse_qr(&scan.qr).ok_or_else(|| ControlError::invalid("qr", "not a code that links a device"))?;
    let candidate = network
        .candidate(&code.reference)
        .ok_or_else(|| ControlError::InvalidState("no client shows this code now".to_owned()))?;
    let person = network.person(phone)?;
    linked(phone, candidate.scan(&person, &code)?).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnterCode {
    code: String,
}

/// `POST /phones/{phone}/enter-code`: the code that a client shows for this number is typed in. The
/// account comes into being when the number is new.
pub(super) async fn enter_code(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Linked>, ControlError> {
    let phone = request::phone(&path)?;
    let EnterCode { code } = request::body(&body)?;
    let code = TypedCode::parse(&code)
        .ok_or_else(|| ControlError::invalid("code", "a code has eight letters and digits"))?;
    let candidate = network.candidate_for(phone).ok_or(LinkError::NobodyAsked)?;
    let request = candidate.try_code(phone)?;
    let wrapped = request.wrapped_ephemeral;
    let hello = web::block(move || PhoneHello::new(&code, &wrapped))
        .await
        .map_err(|error| ControlError::Internal(error.to_string()))??;
    let person = network.person(phone)?;
    linked(phone, candidate.greet(&person, &request, hello)).await
}

/// `POST /phones/{phone}/expire-code`: what happens by itself 180 s after a client has shown a code.
pub(super) async fn expire_code(
    network: Data<Network>,
    path: Path<String>,
) -> Result<Json<Expired>, ControlError> {
    let phone = request::phone(&path)?;
    let candidate = network.candidate_for(phone).ok_or(LinkError::NobodyAsked)?;
    candidate.expire_code(phone)?;
    Ok(Json(Expired {
        phone: phone.to_string(),
    }))
}

#[derive(Serialize)]
pub(super) struct Expired {
    phone: String,
}

/// Waits for the client's answer.
async fn linked(phone: PhoneNumber, linking: Linking) -> Result<Json<Linked>, ControlError> {
    let gone = || ControlError::InvalidState("the client that showed the code did not answer".to_owned());
    let device = tokio::time::timeout(ANSWER_LIMIT, linking)
        .await
        .map_err(|_elapsed| gone())?
        .map_err(|_dropped| gone())??;
    Ok(Json(Linked {
        phone: phone.to_string(),
        device,
        jid: pn_jid(phone, device).to_string(),
        lid: lid_jid(phone, device).to_string(),
    }))
}
