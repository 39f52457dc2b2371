//! `/devices/{id}/pair`: the code on show.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::PhoneNumber;
use postern_store::Device;

use super::device_id;
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::stream;
use crate::view::View;
use crate::view::device::title;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, live_shell};
use crate::view::parts::{Field, act, field, form, heading, live};
use crate::view::sandbox::scanner;

/// `GET /devices/{id}/pair`
pub(crate) async fn pairing(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = device_id(&id)?;
    let device = dashboard.device(person.workspace(), id).await?;
    page(show(&dashboard, &person, &device, "", None).await?)
}

/// `GET /devices/{id}/pair/stream`
pub(crate) async fn pairing_stream(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    stream::answer(dashboard, person, View::Pairing(device_id(&id)?))
}

/// `POST /devices/{id}/pair`: asks for a QR code, or with a phone number for a code to type in.
pub(crate) async fn pair(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = device_id(&id)?;
    let phone = match fields.get("phone") {
        "" => None,
        text => match text.parse::<PhoneNumber>() {
            Ok(phone) => Some(phone),
            Err(why) => {
                let device = dashboard.device(person.workspace(), id).await?;
                let why = why.to_string();
                return refused(show(&dashboard, &person, &device, text, Some(&why)).await?);
            }
        },
    };
    let store = dashboard.acting(&person, "device.pair", id);
    store.request_pairing(person.workspace(), id, phone).await?;
    dashboard.wakes.devices.ring();
    see(format!("/devices/{id}/pair"))
}

async fn show(
    dashboard: &Dashboard,
    person: &Person,
    device: &Device,
    phone: &str,
    error: Option<&str>,
) -> Result<Markup, Failure> {
    let path = format!("/devices/{}/pair", device.id);
    let inner = View::Pairing(device.id).live(dashboard, person).await?;
    let phone_field = Field {
        name: "phone",
        label: "The phone's number",
        hint: "With country code, for example +4915112345678. The phone is asked for a code of eight characters.",
        error,
    };
    let more = [
        ("autocomplete", "tel"),
        ("required", "required"),
        ("inputmode", "tel"),
    ];
    let name = title(device);
    let body = html! {
        a class="back" href={ "/devices/" (device.id) } { (name) }
        (heading(&format!("Link {name}"), html! {}, html! {}))
        div class="pairing" {
            (live(&format!("{path}/stream"), inner))
            @if !device.linked {
                div class="stack beside" {
                    section class="card" {
                        header class="card-head" { h2 { "On the phone" } }
                        ol class="steps" {
                            li { "Open " strong { "WhatsApp" } "." }
                            li { "Tap " strong { "Linked devices" } ": under the menu on Android, under Settings on iPhone." }
                            li { "Tap " strong { "Link a device" } " and point the camera at the code." }
                        }
                    }
                    details class="card" open[error.is_some() || !phone.is_empty()] {
                        summary { (icon(Icon::Key)) "No camera at hand? Type a code in instead" }
                        (form(person, &path, html! {
                            (field(&phone_field, "tel", phone, &more))
                            button type="submit" class="button quiet" { "Show a code to type in" }
                        }))
                        div class="pad" { (act(person, &path, "quiet", Icon::Qr, "Back to a new QR code")) }
                    }
                    @if person.has_sandbox { (scanner(person, device.id)) }
                }
            }
        }
    };
    Ok(live_shell(person, Place::Devices, &format!("Link {name}"), body))
}
