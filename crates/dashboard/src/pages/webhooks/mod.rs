//! `/webhooks`: all endpoints, each, and what was sent to it.

mod acts;
mod edit;
mod form;
mod replay;
mod secret;
mod test;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::webhook::{AttemptOutcome, WebhookTarget};
use postern_domain::{EventId, EventType, Role, WebhookId};
use postern_store::Webhook;

pub(crate) use self::acts::{enable, pause, remove};
pub(crate) use self::edit::{change, create, edit, new};
pub(crate) use self::replay::{again, replay};
pub(crate) use self::secret::rotate;
pub(crate) use self::test::test;
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::stream;
use crate::view::View;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, live_shell};
use crate::view::parts::{Question, ask, heading, live, notice, question, way};
use crate::view::webhooks::attempts::Tries;
use crate::view::webhooks::endpoint::test_question;
use crate::view::webhooks::title;

/// `GET /webhooks`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let inner = View::Webhooks.live(&dashboard, &person).await?;
    let actions = way(&person, "/webhooks/new", Icon::Plus, "Add a webhook");
    let body = html! {
        (heading("Webhooks", html! {}, actions))
        (held_back(&dashboard, &person))
        (notice(super::done(fields.get("done"))))
        (live("/webhooks/stream", inner))
    };
    page(live_shell(&person, Place::Webhooks, "Webhooks", body))
}

/// `GET /webhooks/stream`
pub(crate) async fn list_stream(dashboard: web::Data<Dashboard>, person: Person) -> Answer {
    stream::answer(dashboard, person, View::Webhooks)
}

/// `GET /webhooks/{id}`
pub(crate) async fn show(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = webhook_id(&id)?;
    let webhook = dashboard.webhook(person.workspace(), id).await?;
    let tries = Tries::of(id, &fields);
    let stream = tries.stream();
    let inner = View::Webhook(Box::new(tries)).live(&dashboard, &person).await?;
    let name = title(&webhook);
    let body = html! {
        a class="back" href="/webhooks" { "Webhooks" }
        (heading(name, html! {}, html! {}))
        (held_back(&dashboard, &person))
        (notice(super::done(fields.get("done"))))
        div id="results" {
            @match stream {
                Some(stream) => (live(&stream, inner)),
                None => div class="stack" { (inner) },
            }
        }
        @if person.operator.role.may(Role::Operator) { (settings(&person, &webhook)) }
    };
    page(live_shell(&person, Place::Webhooks, name, body))
}

/// `GET /webhooks/{id}/stream`
pub(crate) async fn stream(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let tries = Tries::of(webhook_id(&id)?, &fields);
    stream::answer(dashboard, person, View::Webhook(Box::new(tries)))
}

/// `GET /webhooks/{id}/events/{event}`
pub(crate) async fn delivery(
    dashboard: web::Data<Dashboard>,
    person: Person,
    path: web::Path<(String, String)>,
    fields: Fields,
) -> Answer {
    let (id, event) = delivery_path(&path)?;
    let inner = View::Delivery(id, event).live(&dashboard, &person).await?;
    let body = html! {
        a class="back" href={ "/webhooks/" (id) } { "The endpoint" }
        (heading("Delivery", html! {}, html! {}))
        (notice(super::done(fields.get("done"))))
        (live(&format!("/webhooks/{id}/events/{event}/stream"), inner))
    };
    page(live_shell(&person, Place::Webhooks, "Delivery", body))
}

/// `GET /webhooks/{id}/events/{event}/stream`
pub(crate) async fn delivery_stream(
    dashboard: web::Data<Dashboard>,
    person: Person,
    path: web::Path<(String, String)>,
) -> Answer {
    let (id, event) = delivery_path(&path)?;
    stream::answer(dashboard, person, View::Delivery(id, event))
}

/// Says that the plan has no webhooks.
fn held_back(dashboard: &Dashboard, person: &Person) -> Markup {
    let name = &person.looks_at.plan;
    let plan = dashboard.config.plans.get(name);
    html! {
        @if plan.is_some_and(|plan| !plan.webhooks) {
            section class="callout warn" {
                (icon(Icon::Pause))
                div {
                    h2 { "The plan " (name) " has no webhooks" }
                    p { "Nothing is delivered. On a plan with webhooks the endpoints go on where they stopped." }
                }
            }
        }
    }
}

fn webhook_id(text: &str) -> Result<WebhookId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

fn delivery_path(path: &(String, String)) -> Result<(WebhookId, EventId), Failure> {
    let event = path.1.parse().map_err(|_not_an_id| Failure::NotFound)?;
    Ok((webhook_id(&path.0)?, event))
}

/// What is seldom done, below everything alive, and the questions that are asked first.
fn settings(person: &Person, webhook: &Webhook) -> Markup {
    let path = |verb: &str| format!("/webhooks/{}/{verb}", webhook.id);
    let (test, again, secret, gone) = (path("test"), path("replay"), path("secret"), path("remove"));
    let questions = [
        replay::asked(&again),
        secret::asked(&secret, webhook),
        Question {
            action: &gone,
            id: "remove",
            label: "Remove",
            symbol: Icon::Trash,
            title: "Remove this webhook?",
            text: "Nothing is sent to it any more, and what waits for it and what was tried is forgotten.",
            fields: html! {},
            is_grave: true,
        },
    ];
    html! {
        section class="card settings" {
            header class="card-head" { h2 { "Settings" } }
            div class="pad actions" {
                a class="button quiet" href=(path("edit")) { (icon(Icon::Edit)) span { "Edit" } }
                @for asked in &questions { (ask(asked)) }
            }
        }
        (question(person, &test_question(&test, kinds(webhook))))
        @for asked in &questions { (question(person, asked)) }
    }
}

/// Which example is sent as a test: one of a type that the endpoint gets stands first.
fn kinds(webhook: &Webhook) -> Markup {
    let first = EventType::ALL
        .into_iter()
        .filter(|kind| webhook.event_types.include(*kind));
    let first = first.min_by_key(|kind| (*kind != EventType::MessageReceived, kind.number()));
    html! {
        div class="field" {
            label for="kind" { "Type of the event" }
            select id="kind" name="kind" {
                @for kind in EventType::ALL { option value=(kind) selected[Some(kind) == first] { (kind) } }
            }
        }
    }
}

impl Dashboard {
    /// Challenges an endpoint; what is wrong with it, if it does not pass.
    async fn challenge(&self, target: &WebhookTarget) -> Result<Option<String>, Failure> {
        let _permit = self.probing.try_acquire().map_err(|_none_left| Failure::Busy)?;
        Ok(self.probe.challenge(target).await.refusal())
    }

    /// Sends an example of an event to an endpoint.
    async fn send_example(&self, webhook: &Webhook, kind: EventType) -> Result<AttemptOutcome, Failure> {
        let _permit = self.probing.try_acquire().map_err(|_none_left| Failure::Busy)?;
        let now = self.clock.now();
        let event = postern_payloads::fresh_example(kind, webhook.workspace, now);
        Ok(self.probe.deliver(&webhook.target(now), &event).await)
    }
}
