//! `/phones`: the virtual phones, which link and unlink companions.

use std::time::Duration;

use actix_web::web::{Bytes, Data, Json, Path};
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::request;
use crate::address::{lid_jid, pn_jid};
use crate::network::Network;
use crate::pairing::parse_qr;
use crate::phone;

/// A client that shows a code answers at once.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

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
    let answer = candidate.scan(&person, &code)?;
    let gone = || ControlError::InvalidState("the client that showed the code did not answer".to_owned());
    let device = tokio::time::timeout(ANSWER_LIMIT, answer)
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

#[derive(Serialize)]
pub(super) struct Unlinked {
    unlinked: usize,
}

/// `POST /phones/{phone}/unlink`: removes every companion.
pub(super) async fn unlink(
    network: Data<Network>,
    path: Path<String>,
) -> Result<Json<Unlinked>, ControlError> {
    let person = network
        .known(request::phone(&path)?)
        .ok_or(ControlError::NotFound("this phone has not scanned a code yet"))?;
    let unlinked = phone::unlink(&person);
    if unlinked == 0 {
        return Err(ControlError::InvalidState(
            "no device is linked to this account".to_owned(),
        ));
    }
    network.changed.notify_one();
    Ok(Json(Unlinked { unlinked }))
}
