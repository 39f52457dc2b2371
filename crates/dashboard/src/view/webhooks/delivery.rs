//! One event on its way to one endpoint: what is sent, and every try with what was answered.

use maud::{Markup, html};
use postern_domain::{Event, EventId, Role, WebhookId};
use postern_payloads::EventBody;
use postern_store::{Attempt, AttemptFilter};

use super::{outcome, title, took};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::time;

/// Tries shown: the schedule has fewer, replays aside.
const ROWS: usize = 50;

/// The live part of its page.
pub(crate) async fn live(
    dashboard: &Dashboard,
    person: &Person,
    (id, event_id): (WebhookId, EventId),
) -> Result<Markup, Failure> {
    let workspace = person.workspace();
    let webhook = dashboard.webhook(workspace, id).await?;
    let event = dashboard.store.event(workspace, event_id).await?;
    let filter = AttemptFilter {
        event: Some(event_id),
        ..AttemptFilter::default()
    };
    let page = dashboard
        .store
        .webhook_attempts(workspace, id, filter, ROWS, None)
        .await?;
    let tries = page.ok_or(Failure::NotFound)?.rows;
    if event.is_none() && tries.is_empty() {
        return Err(Failure::NotFound);
    }
    Ok(html! {
        section class="card" {
            header class="card-head" {
                h2 { @match (&event, tries.first()) {
                    (Some(event), _) => (event.kind),
                    (None, Some(attempt)) => (attempt.kind),
                    (None, None) => "An event",
                } }
                @if let Some(attempt) = tries.first() { (outcome(attempt)) }
            }
            dl class="facts" {
                div { dt { "To" } dd { a href={ "/webhooks/" (id) } { (title(&webhook)) } } }
                @if let Some(event) = &event {
                    div { dt { "Happened" } dd { (time::clock(event.at)) } }
                    @if let Some(device) = event.device { div { dt { "Device" } dd { a href={ "/devices/" (device) } { code { (device) } } } } }
                }
                div { dt { "Id, sent as " code { "webhook-id" } } dd { code { (event_id) } } }
                div { dt { "Tries" } dd class="number" { (tries.len()) } }
            }
            @if person.operator.role.may(Role::Operator) && event.is_some() { (again(person, id, event_id)) }
        }
        (sent(event.as_ref()))
        section class="stack" aria-labelledby="tries-title" {
            h2 id="tries-title" { "Tries" }
            @if tries.is_empty() {
                p class="quiet-text" { "There was none, or it is so long ago that it was forgotten." }
            }
            @for attempt in &tries { (tried(attempt)) }
        }
    })
}

fn again(person: &Person, id: WebhookId, event: EventId) -> Markup {
    html! {
        form method="post" action={ "/webhooks/" (id) "/again" } class="pad" {
            input type="hidden" name="csrf" value=(person.csrf);
            input type="hidden" name="event" value=(event);
            button type="submit" class="button quiet" { (icon(Icon::Refresh)) span { "Send it again" } }
        }
    }
}

fn sent(event: Option<&Event>) -> Markup {
    let body = event.and_then(|event| serde_json::to_string_pretty(&EventBody::new(event)).ok());
    html! {
        section class="card" {
            header class="card-head" { h2 { "What is sent" } }
            @match body {
                Some(body) => pre class="payload" tabindex="0" role="group" aria-label="The body of the request" { (body) },
                None => p class="quiet-text pad" { "The log has this event no more; it is kept as long as retention.events_days says." },
            }
        }
    }
}

fn tried(attempt: &Attempt) -> Markup {
    let answer = String::from_utf8_lossy(&attempt.excerpt);
    html! {
        section class="card" {
            header class="card-head" {
                h3 { "Try " (attempt.number) }
                (outcome(attempt))
            }
            p class="meta pad" {
                span { (time::clock(attempt.at)) }
                span { "took " (took(attempt.duration)) }
                @if let Some(at) = attempt.next_at { span { "next try due " (time::clock(at)) } }
            }
            @if let Some(failure) = attempt.failure { p class="pad" { (failure.meaning()) } }
            @if !answer.is_empty() {
                pre class="payload" tabindex="0" role="group" aria-label="The beginning of the answer" { (answer) }
            }
        }
    }
}
