//! `/devices/new`: a new device, whose code is shown next.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{DeviceId, checked_label};

use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, field, form, heading};

/// `GET /devices/new`
pub(crate) async fn new(person: Person) -> Answer {
    page(ask(&person, "", None))
}

/// `POST /devices`: creates it, and asks for its code at once.
pub(crate) async fn create(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let name = match checked_label(fields.get("name")) {
        Ok(name) => name,
        Err(why) => return refused(ask(&person, fields.get("name"), Some(&why.message))),
    };
    let (id, workspace) = (DeviceId::generate(), person.workspace());
    let store = dashboard.acting(&person, "device.create", id);
    store
        .create_device(workspace, id, name, dashboard.clock.now())
        .await?;
    let store = dashboard.acting(&person, "device.pair", id);
    store.request_pairing(workspace, id, None).await?;
    dashboard.wakes.devices.ring();
    see(format!("/devices/{id}/pair"))
}

fn ask(person: &Person, name: &str, error: Option<&str>) -> Markup {
    let name_field = Field {
        name: "name",
        label: "What do you call it?",
        hint: "For example the team or the phone it belongs to. Only you see it.",
        error,
    };
    let more = [
        ("autofocus", "autofocus"),
        ("autocomplete", "off"),
        ("maxlength", "100"),
        ("placeholder", "Support line"),
    ];
    let inner = html! {
        a class="back" href="/devices" { "Devices" }
        (heading("Link a device", html! {}, html! {}))
        section class="card narrow" {
            (form(person, "/devices", html! {
                (field(&name_field, "text", name, &more))
                div class="actions" {
                    button type="submit" class="button primary" { (icon(Icon::Qr)) span { "Create it and show the QR code" } }
                    a class="button quiet" href="/devices" { "Not now" }
                }
            }))
        }
    };
    shell(person, Place::Devices, "Link a device", inner)
}
