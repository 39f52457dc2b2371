//! The tries to reach an endpoint: a row for each, filtered and paged without loading the page anew.

use maud::{Markup, html};
use postern_domain::{Timestamp, WebhookId};
use postern_store::{Attempt, AttemptFilter, PageStart};

use super::{outcome, took};
use crate::Dashboard;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::time;

/// Rows on a page.
const ROWS: usize = 25;
/// What can be chosen, by the value in the address.
const CHOICES: [(&str, &str); 3] = [("", "All"), ("failed", "Failed"), ("succeeded", "Delivered")];

/// Which tries are shown.
#[derive(Clone)]
pub(crate) struct Tries {
    /// Of which endpoint.
    pub(crate) webhook: WebhookId,
    status: String,
    start: Option<PageStart>,
}

impl Tries {
    /// Reads what is asked.
    pub(crate) fn of(webhook: WebhookId, fields: &Fields) -> Self {
        let status = fields.get("status");
        let known = CHOICES.iter().any(|(value, _)| *value == status);
        Self {
            webhook,
            status: if known { status.to_owned() } else { String::new() },
            start: fields.get("start").parse().ok().map(PageStart),
        }
    }

    /// The address of the stream; none for older pages, which stay as they are.
    pub(crate) fn stream(&self) -> Option<String> {
        let path = format!("/webhooks/{}/stream?status={}", self.webhook, self.status);
        self.start.is_none().then_some(path)
    }

    fn page(&self, status: &str, start: Option<&PageStart>) -> String {
        let mut path = format!("/webhooks/{}?status={status}", self.webhook);
        if let Some(PageStart(start)) = start {
            path.push_str(&format!("&start={start}"));
        }
        path
    }

    fn filter(&self) -> AttemptFilter {
        AttemptFilter {
            failed: match self.status.as_str() {
                "failed" => Some(true),
                "succeeded" => Some(false),
                _ => None,
            },
            event: None,
        }
    }
}

/// The tries as a card with its tabs and pages.
pub(crate) async fn card(dashboard: &Dashboard, person: &Person, tries: &Tries) -> Result<Markup, Failure> {
    let start = tries.start.clone();
    let page = dashboard
        .store
        .webhook_attempts(person.workspace(), tries.webhook, tries.filter(), ROWS, start)
        .await?
        .ok_or(Failure::NotFound)?;
    Ok(html! {
        section class="card" id="tries" {
            header class="card-head" {
                h2 { "Tries" }
                nav class="tabs" aria-label="Which tries" {
                    @for (value, label) in CHOICES {
                        (turn(&tries.page(value, None), label, "tab", value == tries.status))
                    }
                }
            }
            @if page.rows.is_empty() { (none(tries, page.next.is_some())) }
            @else { (rows(tries.webhook, &page.rows, dashboard.clock.now())) }
        }
        @if tries.start.is_some() || page.next.is_some() {
            nav class="pages" aria-label="Pages" {
                @if tries.start.is_some() { (turn(&tries.page(&tries.status, None), "Newest", "button quiet", false)) } @else { span {} }
                @if let Some(next) = &page.next { (turn(&tries.page(&tries.status, Some(next)), "Older", "button quiet", false)) }
            }
        }
    })
}

/// A link that htmx follows without loading the page anew.
fn turn(path: &str, label: &str, class: &str, is_current: bool) -> Markup {
    html! {
        a class=(class) href=(path) aria-current=[is_current.then_some("true")] hx-get=(path) hx-target="#results"
            hx-select="#results" hx-swap="outerHTML show:#tries:top" hx-push-url="true" { (label) }
    }
}

fn none(tries: &Tries, are_older: bool) -> Markup {
    html! {
        p class="quiet-text pad" {
            @match tries.status.as_str() {
                _ if are_older => "None among the newest. Look at older ones.",
                "failed" => "None failed.",
                "succeeded" => "None succeeded.",
                _ => "Nothing was sent yet. A test event shows at once whether the endpoint answers; it is not listed here.",
            }
        }
    }
}

fn rows(webhook: WebhookId, attempts: &[Attempt], now: Timestamp) -> Markup {
    html! {
        ul class="rows" {
            @for attempt in attempts {
                li {
                    a class="row attempt-row" href={ "/webhooks/" (webhook) "/events/" (attempt.event) } id={ "try-" (attempt.seq) } {
                        span class="row-main" {
                            strong { (attempt.kind) }
                            span class="quiet-text" {
                                (time::ago(attempt.at))
                                @if attempt.number > 1 { ", try " (attempt.number) }
                                @if let Some(at) = attempt.next_at.filter(|at| now < *at) { ", next " (time::clock(at)) }
                            }
                        }
                        span class="row-why number" { (took(attempt.duration)) }
                        span class="row-end" { (outcome(attempt)) (icon(Icon::Arrow)) }
                    }
                }
            }
        }
    }
}
