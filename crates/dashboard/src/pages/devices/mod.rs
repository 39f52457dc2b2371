//! `/devices`: all of them, each, and linking one.

mod acts;
mod create;
mod pacing;
mod pair;

use actix_web::web;
use maud::html;
use postern_domain::{DeviceId, MAX_NAME, Role};
use postern_store::Device;

pub(crate) use self::acts::{
    cancel_parked, log_out, pause, reconnect, release_parked, remove, rename, resume,
};
pub(crate) use self::create::{create, new};
pub(crate) use self::pacing::{change_pacing, pacing};
pub(crate) use self::pair::{pair, pairing, pairing_stream};
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::stream;
use crate::view::View;
use crate::view::device::{discard_question, title};
use crate::view::icon::Icon;
use crate::view::layout::{Place, live_shell};
use crate::view::parts::{Question, ask, heading, live, notice, question, way};

/// `GET /devices`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let inner = View::Devices.live(&dashboard, &person).await?;
    let actions = way(&person, "/devices/new", Icon::Plus, "Link a device");
    let body = html! {
        (heading("Devices", html! {}, actions))
        (notice(super::done(fields.get("done"))))
        (live("/devices/stream", inner))
    };
    page(live_shell(&person, Place::Devices, "Devices", body))
}

/// `GET /devices/stream`
pub(crate) async fn list_stream(dashboard: web::Data<Dashboard>, person: Person) -> Answer {
    stream::answer(dashboard, person, View::Devices)
}

/// `GET /devices/{id}`
pub(crate) async fn show(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = device_id(&id)?;
    let device = dashboard.device(person.workspace(), id).await?;
    let inner = View::Device(id).live(&dashboard, &person).await?;
    let name = title(&device);
    let body = html! {
        a class="back" href="/devices" { "Devices" }
        (heading(&name, html! {}, html! {}))
        (notice(super::done(fields.get("done"))))
        (live(&format!("/devices/{id}/stream"), inner))
        @if person.operator.role.may(Role::Operator) { (settings(&person, &device)) }
    };
    page(live_shell(&person, Place::Devices, &name, body))
}

/// `GET /devices/{id}/stream`
pub(crate) async fn stream(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    stream::answer(dashboard, person, View::Device(device_id(&id)?))
}

fn device_id(text: &str) -> Result<DeviceId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

/// What is seldom done, below everything alive.
fn settings(person: &Person, device: &Device) -> maud::Markup {
    let path = |verb: &str| format!("/devices/{}/{verb}", device.id);
    let (log_out_path, remove_path) = (path("logout"), path("remove"));
    let log_out = Question {
        action: &log_out_path,
        id: "logout",
        label: "Log out",
        symbol: Icon::LogOut,
        title: "Log this device out?",
        text: "The link is removed from the account and its keys are wiped. To use it again somebody has to scan a code. \
               Messages that wait are parked.",
        fields: html! {},
        is_grave: true,
    };
    let remove = Question {
        action: &remove_path,
        id: "remove",
        label: "Remove",
        symbol: Icon::Trash,
        title: "Remove this device?",
        text: "It is logged out and forgotten. Messages that wait for it are canceled.",
        fields: html! {
            label class="tick" {
                input type="checkbox" name="purge" value="1";
                span { "Delete its messages and events as well. There is no way back." }
            }
        },
        is_grave: true,
    };
    html! {
        section class="card settings" {
            header class="card-head" { h2 { "Settings" } }
            form method="post" action=(path("rename")) class="form row-form pad" {
                input type="hidden" name="csrf" value=(person.csrf);
                div class="field" {
                    label for="name" { "Name" }
                    input type="text" id="name" name="name" value=(device.name) maxlength=(MAX_NAME) autocomplete="off";
                }
                button type="submit" class="button quiet" { "Rename" }
            }
            div class="pad split" {
                p class="quiet-text" { "Id " code { (device.id) } }
                div class="actions end" {
                    @if device.linked { (ask(&log_out)) }
                    @if person.operator.role.may(Role::Owner) { (ask(&remove)) }
                }
            }
        }
        (question(person, &log_out))
        (question(person, &discard_question(&path("discard"))))
        @if person.operator.role.may(Role::Owner) { (question(person, &remove)) }
    }
}
