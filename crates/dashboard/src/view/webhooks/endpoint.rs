//! One endpoint: how it does, what it gets, and what was tried.

use std::collections::HashMap;

use maud::{Markup, html};
use postern_domain::webhook::EventTypes;
use postern_domain::{DeviceId, Role};
use postern_store::{Replay, Webhook};

use super::attempts::{self, Tries};
use super::health::State;
use super::{Health, chosen, title};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Question, act, ask};
use crate::view::{names, time};

/// The live part of its page.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person, tries: &Tries) -> Result<Markup, Failure> {
    let webhook = dashboard.webhook(person.workspace(), tries.webhook).await?;
    let health = dashboard.health(&webhook).await?;
    let replay = dashboard.store.latest_replay(webhook.id).await?;
    let devices = match &webhook.devices {
        Some(_) => names(&dashboard.devices(person.workspace()).await?),
        None => HashMap::new(),
    };
    Ok(html! {
        (state(person, &webhook, &health))
        @if let Some(replay) = &replay { (replayed(replay)) }
        @if health.backlog.parked > 0 && webhook.disabled.is_none() { (parked(person, &webhook, &health)) }
        div class="columns wide-left" {
            div class="stack" { (attempts::card(dashboard, person, tries).await?) }
            div class="stack" {
                (deliveries(&webhook, &health))
                (gets(&webhook, &devices))
            }
        }
    })
}

fn state(person: &Person, webhook: &Webhook, health: &Health) -> Markup {
    html! {
        section class={ "state-card " (health.class()) } data-announce={ (title(webhook)) " is " (health.word()) } {
            span class="state-icon" { (icon(health.symbol())) }
            div class="state-words" {
                h2 { (headline(health)) }
                p { (health.meaning()) }
                p class="meta" {
                    @if let State::Disabled(_, since) = health.state { span { "since " (time::ago(since)) } }
                    @if webhook.failures > 0 { span { (webhook.failures) @if webhook.failures == 1 { " failure" } @else { " failures in a row" } } }
                    @if let State::Resting(until) = health.state { span { "next try " strong { (time::countdown(until)) } } }
                    @if let (Some(since), None) = (webhook.failing_since, webhook.disabled) { span { "failing since " (time::clock(since)) } }
                }
            }
            @if person.operator.role.may(Role::Operator) { div class="actions" { (actions(person, webhook)) } }
        }
    }
}

fn headline(health: &Health) -> &'static str {
    match health.state {
        State::Disabled(postern_domain::webhook::DisableReason::Operator, _) => "Paused",
        State::Disabled(..) => "Disabled, needs you",
        State::Resting(_) => "Failing, left alone for a while",
        State::Failing => "The last try failed",
        State::Parked => "Delivering, but some events were given up",
        State::Delivering => "Delivering",
        State::New => "Ready",
    }
}

fn actions(person: &Person, webhook: &Webhook) -> Markup {
    let path = |verb: &str| format!("/webhooks/{}/{verb}", webhook.id);
    html! {
        @if webhook.disabled.is_some() {
            (act(person, &path("enable"), "primary", Icon::Play, "Enable"))
        }
        (ask(&test_question(&path("test"), html! {})))
        @if webhook.disabled.is_none() {
            (act(person, &path("pause"), "quiet", Icon::Pause, "Pause"))
        }
    }
}

/// Asks what is to be sent as a test.
pub(crate) fn test_question(action: &str, fields: Markup) -> Question<'_> {
    Question {
        action,
        id: "test",
        label: "Send a test",
        symbol: Icon::Send,
        title: "Send a test event",
        text: "An example is sent now, signed like a real event, and you see what the endpoint answers. It is not tried again.",
        fields,
        is_grave: false,
    }
}

fn replayed(replay: &Replay) -> Markup {
    html! {
        @if replay.ended_at.is_none() {
            section class="callout" data-announce={ "Looked through " (replay.progress()) " percent" } {
                (icon(Icon::Refresh))
                div {
                    h2 { "Events are being sent again" }
                    p { (replay.found) " found so far." }
                    progress aria-label="How much of the time was looked through" max="100" value=(replay.progress()) { (replay.progress()) " %" }
                }
            }
        }
    }
}

fn parked(person: &Person, webhook: &Webhook, health: &Health) -> Markup {
    let number = health.backlog.parked;
    html! {
        section class="callout warn" {
            (icon(Icon::Pause))
            div {
                h2 { (number) @if number == 1 { " event was given up" } @else { " events were given up" } }
                p { "They failed as long as the schedule says, or came while too much waited. They are kept as long as the gateway keeps events." }
            }
            @if person.operator.role.may(Role::Operator) {
                form method="post" action={ "/webhooks/" (webhook.id) "/replay" } class="inline" {
                    input type="hidden" name="csrf" value=(person.csrf);
                    input type="hidden" name="failed" value="1";
                    button type="submit" class="button quiet" { (icon(Icon::Refresh)) span { "Send them again" } }
                }
            }
        }
    }
}

fn deliveries(webhook: &Webhook, health: &Health) -> Markup {
    let when = |at| html! { @match at { Some(at) => (time::ago(at)), None => "never" } };
    html! {
        section class="card" {
            header class="card-head" { h2 { "Deliveries" } }
            dl class="facts" {
                div { dt { "Last success" } dd { (when(webhook.last_success_at)) } }
                div { dt { "Last failure" } dd { (when(webhook.last_failure_at)) } }
                div { dt { "Waiting for another try" } dd class="number" { (count(health.backlog.waiting)) } }
                div { dt { "Given up" } dd class="number" { (count(health.backlog.parked)) } }
            }
        }
    }
}

/// A number that is not counted further at some point.
fn count(number: u32) -> String {
    let plus = if number >= postern_store::Backlog::MOST {
        "+"
    } else {
        ""
    };
    format!("{number}{plus}")
}

fn gets(webhook: &Webhook, devices: &HashMap<DeviceId, String>) -> Markup {
    let headers: Vec<_> = webhook.headers.iter().map(|(name, _)| name.as_str()).collect();
    html! {
        section class="card" {
            header class="card-head" { h2 { "What it gets" } }
            dl class="facts" {
                div { dt { "URL" } dd { code { (webhook.url) } } }
                div { dt { "Events" } dd {
                    @if webhook.event_types == EventTypes::ALL { "every type" }
                    @else { @for kind in chosen(webhook.event_types) { small { (kind) } } }
                } }
                div { dt { "Devices" } dd {
                    @match &webhook.devices {
                        None => "all",
                        Some(ids) => @for id in ids {
                            small { @match devices.get(id) { Some(name) => (name), None => "a device that was removed" } }
                        },
                    }
                } }
                @if !headers.is_empty() { div { dt { "Headers of yours" } dd { (headers.join(", ")) } } }
                @if webhook.ordered { div { dt { "Order" } dd { "one after the other, by device" } } }
                @if let Some(rate) = webhook.rate_cap { div { dt { "At most" } dd { (rate) " a minute" } } }
                div { dt { "Answered the challenge" } dd {
                    @match webhook.verified_at { Some(at) => (time::ago(at)), None => "skipped" }
                } }
                @if let Some((_, until)) = &webhook.previous_secret {
                    div { dt { "Old secret signs until" } dd { (time::clock(*until)) } }
                }
                div { dt { "Id" } dd { code { (webhook.id) } } }
            }
        }
    }
}
