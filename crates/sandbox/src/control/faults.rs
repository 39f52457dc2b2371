//! `POST /faults`: things that go wrong, on request.

use actix_web::web::{Bytes, Data, Json};
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::request;
use crate::network::Network;
use crate::phone;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    phone: String,
    kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultKind {
    /// The connections of the account's companions end without a word.
    Close,
    /// The account removes its companions.
    Logout,
}

#[derive(Serialize)]
pub(super) struct Injected {
    phone: String,
    kind: FaultKind,
    /// How many companions it hit.
    companions: usize,
}

pub(super) async fn inject(network: Data<Network>, body: Bytes) -> Result<Json<Injected>, ControlError> {
    let fault: Fault = request::body(&body)?;
    let phone = request::parse_phone("phone", &fault.phone)?;
    let person = network.known(phone).ok_or(ControlError::NotFound(
        "nobody has linked a device to this number",
    ))?;
    let (companions, why_none) = match fault.kind {
        FaultKind::Close => (
            phone::drop_connections(&person),
            "no linked device of this account is connected",
        ),
        FaultKind::Logout => (
            phone::unlink(&network, &person, None),
            "no device is linked to this account",
        ),
    };
    if companions == 0 {
        return Err(ControlError::InvalidState(why_none.to_owned()));
    }
    network.changed.notify_one();
    Ok(Json(Injected {
        phone: phone.to_string(),
        kind: fault.kind,
        companions,
    }))
}
