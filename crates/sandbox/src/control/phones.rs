//! `/phones`: the virtual phones, their accounts, and the companions linked to them.

use actix_web::web::{Bytes, Data, Json, Path};
use serde::{Deserialize, Serialize};

use super::error::ControlError;
use super::request;
use crate::address::lid_jid;
use crate::network::Network;
use crate::person::Person;
use crate::phone::unlink as unlink_devices;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Phone {
    phone: String,
    lid: String,
    lid_migrated: bool,
    companions: Vec<LinkedDevice>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkedDevice {
    device: u16,
    platform: String,
    connected: bool,
    /// Stanzas that it has not confirmed.
    queued: usize,
    /// One-time keys that nobody has used.
    prekeys: usize,
}

/// `GET /phones/{phone}`.
pub(super) async fn show(network: Data<Network>, path: Path<String>) -> Result<Json<Phone>, ControlError> {
    let person = network
        .known(request::phone(&path)?)
        .ok_or(ControlError::NotFound("nobody has used this phone yet"))?;
    Ok(phone(&person))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    lid_migrated: Option<bool>,
}

/// `PUT /phones/{phone}`; the account comes into being when the number is new.
pub(super) async fn change(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Phone>, ControlError> {
    let number = request::phone(&path)?;
    let Change { lid_migrated } = request::body(&body)?;
    let person = network.person(number)?;
    if let Some(lid_migrated) = lid_migrated {
        let account = &mut person.lock().account;
        if account.lid_migrated != lid_migrated && !account.companions.is_empty() {
            return Err(ControlError::InvalidState(
                "a linked device was told otherwise; unlink it first".to_owned(),
            ));
        }
        account.lid_migrated = lid_migrated;
    }
    network.changed.notify_one();
    Ok(phone(&person))
}

fn phone(person: &Person) -> Json<Phone> {
    let account = &person.lock().account;
    let companions = account.companions.values().map(|companion| LinkedDevice {
        device: companion.device,
        platform: companion.registration.platform.clone(),
        connected: companion.line.is_some(),
        queued: companion.queue.len(),
        prekeys: companion.prekeys.len(),
    });
    Json(Phone {
        phone: person.phone.to_string(),
        lid: lid_jid(person.phone, 0).to_string(),
        lid_migrated: account.lid_migrated,
        companions: companions.collect(),
    })
}

#[derive(Serialize)]
pub(super) struct Unlinked {
    unlinked: usize,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Unlink {
    device: Option<u16>,
}

/// `POST /phones/{phone}/unlink`: removes every companion, or the one with this device number.
pub(super) async fn unlink(
    network: Data<Network>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Unlinked>, ControlError> {
    let phone = request::phone(&path)?;
    let Unlink { device } = request::optional_body(&body)?;
    let person = network
        .known(phone)
        .ok_or(ControlError::NotFound("this phone has not scanned a code yet"))?;
    match (unlink_devices(&network, &person, device), device) {
        (0, None) => Err(ControlError::InvalidState(
            "no device is linked to this account".to_owned(),
        )),
        (0, Some(_)) => Err(ControlError::invalid(
            "device",
            "this account has no linked device with this number",
        )),
        (unlinked, _) => Ok(Json(Unlinked { unlinked })),
    }
}
