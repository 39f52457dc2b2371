//! The list of endpoints, and how they do at a glance.

use maud::{Markup, html};
use postern_domain::Role;
use postern_store::Webhook;

use super::{Health, MOST, events_in_short, title};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::parts::empty;
use crate::view::time;

/// The live part of the list.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person) -> Result<Markup, Failure> {
    let webhooks = with_health(dashboard, person).await?;
    Ok(html! {
        @if webhooks.is_empty() { (none(person)) }
        @else { (rows(&webhooks)) }
    })
}

/// The endpoints of the workspace, and how each does.
pub(crate) async fn with_health(
    dashboard: &Dashboard,
    person: &Person,
) -> Result<Vec<(Webhook, Health)>, Failure> {
    let (webhooks, _) = dashboard.store.webhooks(person.workspace(), MOST, None).await?;
    let mut found = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        let health = dashboard.health(&webhook).await?;
        found.push((webhook, health));
    }
    Ok(found)
}

fn none(person: &Person) -> Markup {
    empty(
        Icon::Hook,
        "Let your systems know at once",
        "A webhook is an address of yours that gets every message and every change of state as it happens: signed, tried \
         again when it fails, and readable here.",
        html! {
            @if person.operator.role.may(Role::Operator) {
                a class="button primary large" href="/webhooks/new" { (icon(Icon::Plus)) span { "Add a webhook" } }
            } @else {
                p class="quiet-text" { "Your role is viewer; an operator can add one." }
            }
        },
    )
}

/// One row for each.
fn rows(webhooks: &[(Webhook, Health)]) -> Markup {
    html! {
        ul class="rows" {
            @for (webhook, health) in webhooks {
                li {
                    a class="row device-row" href={ "/webhooks/" (webhook.id) } id={ "row-" (webhook.id) } {
                        span class={ "dot " (health.class()) } { (icon(health.symbol())) }
                        span class="row-main" {
                            strong { (title(webhook)) }
                            span class="quiet-text" {
                                @if webhook.description.is_empty() { (events_in_short(webhook.event_types)) }
                                @else { (webhook.url) }
                            }
                        }
                        span class="row-why" title=(health.meaning()) { (lately(webhook, health)) }
                        span class="row-end" { (health.badge()) }
                    }
                }
            }
        }
    }
}

fn lately(webhook: &Webhook, health: &Health) -> Markup {
    html! {
        @if health.backlog.waiting > 0 { (health.backlog.waiting) " waiting" }
        @if health.backlog.parked > 0 { @if health.backlog.waiting > 0 { ", " } (health.backlog.parked) " given up" }
        @if health.backlog.waiting == 0 && health.backlog.parked == 0 {
            @match webhook.last_success_at {
                Some(at) => { "delivered " (time::ago(at)) }
                None => (events_in_short(webhook.event_types)),
            }
        }
    }
}

/// How all endpoints do, for the overview; nothing while there is none.
pub(crate) fn card(webhooks: &[(Webhook, Health)]) -> Markup {
    let troubled: Vec<_> = webhooks
        .iter()
        .filter(|(_, health)| health.needs_somebody())
        .collect();
    html! {
        @if !webhooks.is_empty() {
            section class="card" {
                header class="card-head" {
                    h2 { "Webhooks" }
                    a class="more" href="/webhooks" { "All webhooks" (icon(Icon::Arrow)) }
                }
                @if troubled.is_empty() {
                    p class="quiet-text pad" {
                        (icon(Icon::Check)) " "
                        @if webhooks.len() == 1 { "The endpoint is fine." } @else { "All " (webhooks.len()) " endpoints are fine." }
                    }
                } @else {
                    ul class="rows" {
                        @for (webhook, health) in troubled {
                            li {
                                a class="row" href={ "/webhooks/" (webhook.id) } id={ "hook-" (webhook.id) } {
                                    span class="row-main" {
                                        strong { (title(webhook)) }
                                        span class="quiet-text" { (lately(webhook, health)) }
                                    }
                                    span class="row-end" { (health.badge()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
