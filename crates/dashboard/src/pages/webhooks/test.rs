//! Trying an endpoint: an example of an event is sent while somebody waits.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::EventType;
use postern_domain::webhook::AttemptOutcome;
use postern_store::Webhook;

use super::{kinds, webhook_id};
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{form, heading};
use crate::view::webhooks::{title, took};

/// `POST /webhooks/{id}/test`
pub(crate) async fn test(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    dashboard.needs_webhooks(&person).await?;
    let id = webhook_id(&id)?;
    let webhook = dashboard.webhook(person.workspace(), id).await?;
    let kind: EventType = fields
        .get("kind")
        .parse()
        .map_err(|()| Failure::Unreadable("It names no type of events."))?;
    let act = dashboard.act(&person, "webhook.test", id, kind);
    dashboard.store.note(act).await?;
    let outcome = dashboard.send_example(&webhook, kind).await?;
    page(shown(&person, &webhook, kind, &outcome))
}

fn shown(person: &Person, webhook: &Webhook, kind: EventType, outcome: &AttemptOutcome) -> Markup {
    let answer = String::from_utf8_lossy(&outcome.excerpt);
    let (class, symbol) = match outcome.failure {
        None => ("good", Icon::Check),
        Some(_) => ("bad", Icon::Alert),
    };
    let body = html! {
        a class="back" href={ "/webhooks/" (webhook.id) } { (title(webhook)) }
        (heading("Test", html! {}, html! {}))
        section class={ "state-card " (class) } role="status" {
            span class="state-icon" { (icon(symbol)) }
            div class="state-words" {
                h2 { @match outcome.failure { None => "It arrived", Some(failure) => { "It failed: " (failure.name()) } } }
                @if let Some(failure) = outcome.failure { p { (failure.meaning()) } }
                p class="meta" {
                    span { (kind) }
                    @if let Some(status) = outcome.status { span { "answered " (status) } }
                    span { "took " (took(outcome.duration)) }
                }
            }
        }
        @if !answer.is_empty() {
            section class="card" {
                header class="card-head" { h2 { "What it answered" } }
                pre class="payload" tabindex="0" role="group" aria-label="The beginning of the answer" { (answer) }
            }
        }
        section class="card narrow" {
            header class="card-head" { h2 { "Once more" } }
            (form(person, &format!("/webhooks/{}/test", webhook.id), html! {
                (kinds(webhook))
                div class="actions" {
                    button type="submit" class="button primary" data-once { (icon(Icon::Send)) span { "Send a test" } }
                }
            }))
        }
    };
    shell(person, Place::Webhooks, "Test", body)
}
