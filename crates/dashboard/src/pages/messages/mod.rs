//! `/messages`: finding them, each of them, and writing one.

mod compose;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{MessageId, MessageStatus};
use postern_store::Device;

pub(crate) use self::compose::{new, send};
use crate::Dashboard;
use crate::answer::{Answer, page, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::stream;
use crate::view::device::title;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, live_shell};
use crate::view::messages::{Listing, PARKED};
use crate::view::parts::{heading, live, notice, way};
use crate::view::{View, messages};

/// `GET /messages`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let listing = Listing::of(fields);
    let devices = dashboard.devices(person.workspace()).await?;
    let inner = messages::live(&dashboard, &person, &listing).await?;
    let actions = way(&person, "/messages/new", Icon::Send, "Send a message");
    let body = html! {
        (heading("Messages", html! {}, actions))
        (filters(&listing, &devices))
        div id="results" class="stack" {
            @for (field, why) in &listing.errors {
                p class="callout bad" role="alert" { (icon(Icon::Alert)) span { (label(field)) " " (why) } }
            }
            @match listing.stream() {
                Some(stream) => (live(&stream, inner)),
                None => div class="stack" { (inner) },
            }
        }
    };
    page(live_shell(&person, Place::Messages, "Messages", body))
}

/// `GET /messages/stream`
pub(crate) async fn list_stream(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let mut listing = Listing::of(fields);
    listing.start = None;
    stream::answer(dashboard, person, View::Messages(Box::new(listing)))
}

/// `GET /messages/{id}`
pub(crate) async fn show(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = message_id(&id)?;
    let inner = View::Message(id).live(&dashboard, &person).await?;
    let body = html! {
        a class="back" href="/messages" { "Messages" }
        (heading("Message", html! {}, html! {}))
        (notice(super::done(fields.get("done"))))
        (live(&format!("/messages/{id}/stream"), inner))
    };
    page(live_shell(&person, Place::Messages, "Message", body))
}

/// `GET /messages/{id}/stream`
pub(crate) async fn stream(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    stream::answer(dashboard, person, View::Message(message_id(&id)?))
}

/// `POST /messages/{id}/retry`
pub(crate) async fn retry(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = message_id(&id)?;
    let store = dashboard.acting(&person, "message.retry", id);
    let message = store.retry(person.workspace(), id, dashboard.clock.now()).await?;
    dashboard.wakes.outbox.ring(&message.device);
    dashboard.wakes.events.ring();
    see(format!("/messages/{id}?done=retried"))
}

/// `POST /messages/{id}/cancel`
pub(crate) async fn cancel(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = message_id(&id)?;
    let store = dashboard.acting(&person, "message.cancel", id);
    let message = store
        .cancel(person.workspace(), id, dashboard.clock.now())
        .await?;
    dashboard.wakes.outbox.ring(&message.device);
    dashboard.wakes.events.ring();
    see(format!("/messages/{id}?done=canceled"))
}

/// `POST /messages/{id}/release`
pub(crate) async fn release(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = message_id(&id)?;
    let store = dashboard.acting(&person, "message.release", id);
    let message = store
        .release(person.workspace(), id, dashboard.clock.now())
        .await?;
    dashboard.wakes.outbox.ring(&message.device);
    dashboard.wakes.events.ring();
    see(format!("/messages/{id}?done=retried"))
}

fn message_id(text: &str) -> Result<MessageId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

fn label(field: &str) -> &'static str {
    match field {
        "q" => "What you look for",
        _ => "The number",
    }
}

fn filters(listing: &Listing, devices: &[Device]) -> Markup {
    let fields = &listing.fields;
    html! {
        form id="filters" class="filters" action="/messages" method="get" role="search"
            hx-get="/messages" hx-target="#results" hx-select="#results" hx-swap="outerHTML" hx-push-url="true"
            hx-trigger="change, submit, input changed delay:350ms from:#q" {
            div class="search" {
                (icon(Icon::Search))
                label class="unseen" for="q" { "Words in the text" }
                input type="search" id="q" name="q" value=(fields.get("q")) placeholder="Words in the text" maxlength="200";
            }
            label class="unseen" for="to" { "Number or group" }
            input type="search" id="to" name="to" value=(fields.get("to")) placeholder="Number, like +15551234567";
            label class="unseen" for="device" { "Device" }
            select id="device" name="device" {
                option value="" { "All devices" }
                @for device in devices {
                    option value=(device.id) selected[fields.get("device") == device.id.to_string()] { (title(device)) }
                }
            }
            label class="unseen" for="status" { "Status" }
            select id="status" name="status" {
                option value="" { "Any status" }
                @for status in MessageStatus::ALL {
                    option value=(status) selected[fields.get("status") == status.name()] { (status) }
                }
                option value=(PARKED) selected[listing.filter.parked] { (PARKED) }
            }
            label class="unseen" for="direction" { "Direction" }
            select id="direction" name="direction" {
                option value="" { "Sent and received" }
                option value="out" selected[fields.get("direction") == "out"] { "Sent" }
                option value="in" selected[fields.get("direction") == "in"] { "Received" }
            }
            noscript { button type="submit" class="button quiet" { "Find" } }
        }
    }
}
