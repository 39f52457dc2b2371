//! A device: its state in a word, an icon and a colour, and everything known about its health.

use maud::{Markup, html};
use postern_domain::{DeviceId, DeviceReason, DeviceState, DeviceStatus, Intent, Pacing, QuietHours, Role};
use postern_store::{Device, MessageFilter, Queue};

use super::icon::{Icon, icon};
use super::parts::{Question, act, ask};
use super::{messages, time};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;

/// What a device is called.
pub(crate) fn title(device: &Device) -> String {
    if device.name.is_empty() {
        let id = device.id.to_string();
        let tail: String = id.chars().skip(id.len().saturating_sub(6)).collect();
        format!("Device …{tail}")
    } else {
        device.name.clone()
    }
}

/// The state as a word with an icon.
pub(crate) fn badge(status: &DeviceStatus) -> Markup {
    let paused = status.reason == DeviceReason::Stopped;
    html! {
        span class={ "badge " (class(status)) } {
            (icon(symbol(status)))
            span { @if paused { "paused" } @else { (status.state) } }
        }
    }
}

/// The class that gives a state its colour.
pub(crate) fn class(status: &DeviceStatus) -> &'static str {
    match (status.state, status.reason) {
        (DeviceState::Connected, _) => "good",
        (DeviceState::Pairing, _) => "busy",
        (DeviceState::Degraded, _) => "warn",
        (_, DeviceReason::Stopped) | (DeviceState::Unlinked, _) => "idle",
        (DeviceState::Disconnected, _) => "bad",
    }
}

/// The icon of a state.
pub(crate) fn symbol(status: &DeviceStatus) -> Icon {
    match (status.state, status.reason) {
        (DeviceState::Connected, _) => Icon::Check,
        (DeviceState::Pairing, _) => Icon::Qr,
        (DeviceState::Degraded, _) => Icon::Refresh,
        (_, DeviceReason::Stopped) => Icon::Pause,
        (DeviceState::Unlinked, _) => Icon::Unlink,
        (DeviceState::Disconnected, _) => Icon::Alert,
    }
}

/// The account's number and name, or that there is none.
pub(crate) fn account(device: &Device) -> Markup {
    html! {
        @match &device.account {
            Some(account) if device.linked => {
                span class="number" { (account.phone) }
                @if let Some(name) = &account.push_name { " · " (name) }
            }
            Some(account) => { "last linked to " span class="number" { (account.phone) } }
            None => { "no account linked yet" }
        }
    }
}

/// A reason as words.
pub(crate) fn reason(status: &DeviceStatus) -> String {
    status.reason.name().replace('_', " ")
}

/// Whether somebody has to do something about it.
pub(crate) fn needs_somebody(device: &Device) -> bool {
    let status = &device.status;
    let ended = status.state == DeviceState::Unlinked && status.reason != DeviceReason::New;
    let stuck = status.state == DeviceState::Disconnected && status.reason != DeviceReason::Stopped;
    ended || stuck || device.counters.parked > 0
}

/// What to do, told by a device's page: the reason in words for people who read no API.
pub(crate) fn meaning(device: &Device) -> String {
    let text = device.status.reason.meaning();
    match device.status.reason {
        DeviceReason::LoggedOut if device.counters.parked > 0 => {
            "The phone or an operator removed the link while messages were waiting. They are parked: link the device \
             again and release them, or cancel them."
                .to_owned()
        }
        DeviceReason::LoggedOut => "The phone or an operator removed the link. Link it again.".to_owned(),
        DeviceReason::Restarting => {
            "The session failed inside the gateway and is being started again.".to_owned()
        }
        DeviceReason::TemporaryBan => {
            "WhatsApp bars the account for a while; the gateway logs in again when that is over. Send less, and to \
             people who expect it."
                .to_owned()
        }
        DeviceReason::LoginRefused => {
            "WhatsApp refused the login. It is tried again by itself, or when you reconnect.".to_owned()
        }
        _ => text.to_owned(),
    }
}

/// The live part of a device's page.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person, id: DeviceId) -> Result<Markup, Failure> {
    let device = dashboard.device(person.workspace(), id).await?;
    let queue = dashboard.store.queue(id).await?;
    let filter = MessageFilter {
        device: Some(id),
        ..MessageFilter::default()
    };
    let recent = dashboard
        .store
        .messages(person.workspace(), filter, 6, None)
        .await?;
    let pacing = device.pacing.unwrap_or(dashboard.config.default_pacing);
    Ok(html! {
        (state(person, &device))
        @if device.counters.parked > 0 { (parked(person, &device)) }
        div class="columns" {
            (health(&device, &queue))
            (pace(person, &device, &pacing))
        }
        section class="card" {
            header class="card-head" {
                h2 { "Latest messages" }
                a class="more" href={ "/messages?device=" (id) } { "All of this device" (icon(Icon::Arrow)) }
            }
            @if recent.rows.is_empty() {
                p class="quiet-text pad" {
                    @if device.status.state.accepts_messages() {
                        "None yet. "
                        @if person.operator.role.may(Role::Operator) {
                            a href={ "/messages/new?device=" (id) } { "Send the first one." }
                        }
                    } @else { "None yet. They appear here once the device is linked." }
                }
            } @else {
                (messages::rows(&recent.rows, None))
            }
        }
    })
}

fn state(person: &Person, device: &Device) -> Markup {
    let status = &device.status;
    html! {
        section class={ "state-card " (class(status)) } data-announce={ (title(device)) " is " (status.state) } {
            span class="state-icon" { (icon(symbol(status))) }
            div class="state-words" {
                h2 { (headline(device)) }
                p { (meaning(device)) }
                p class="meta" {
                    span { (reason(status)) } span { "since " (time::ago(status.since)) }
                    @if let Some(at) = status.retry_at {
                        span { "next try " strong { (time::countdown(at)) } }
                    }
                }
            }
            @if person.operator.role.may(Role::Operator) {
                div class="actions" { (actions(person, device)) }
            }
        }
    }
}

fn headline(device: &Device) -> &'static str {
    match (device.status.state, device.status.reason) {
        (DeviceState::Connected, _) => "Connected",
        (DeviceState::Pairing, DeviceReason::LoggingIn) => "Almost there",
        (DeviceState::Pairing, _) => "Waiting for the phone",
        (DeviceState::Degraded, DeviceReason::Connecting) => "Connecting",
        (DeviceState::Degraded, _) => "Interrupted, healing by itself",
        (DeviceState::Unlinked, DeviceReason::New) => "Not linked yet",
        (DeviceState::Unlinked, _) => "Not linked",
        (DeviceState::Disconnected, DeviceReason::Stopped) => "Paused",
        (DeviceState::Disconnected, DeviceReason::TemporaryBan) => "Barred by WhatsApp for a while",
        (DeviceState::Disconnected, _) => "Disconnected, needs you",
    }
}

fn actions(person: &Person, device: &Device) -> Markup {
    let path = |verb: &str| format!("/devices/{}/{verb}", device.id);
    let waits_to_be_paired = !device.linked && device.pairing.is_none();
    html! {
        @if device.linked && device.intent == Intent::Linked {
            @if device.status.state == DeviceState::Connected {
                a class="button primary" href={ "/messages/new?device=" (device.id) } { (icon(Icon::Send)) span { "Send a message" } }
            } @else {
                (act(person, &path("reconnect"), "primary", Icon::Refresh, "Reconnect now"))
            }
            (act(person, &path("pause"), "quiet", Icon::Pause, "Pause"))
        }
        @if device.intent == Intent::Paused {
            (act(person, &path("resume"), "primary", Icon::Play, "Resume"))
        }
        @if !device.linked && device.pairing.is_some() {
            a class="button primary" href=(path("pair")) { (icon(Icon::Qr)) span { "Show the code" } }
        }
        @if waits_to_be_paired && device.intent != Intent::Paused {
            (act(person, &path("pair"), "primary", Icon::Qr, "Link a phone"))
        }
    }
}

fn parked(person: &Person, device: &Device) -> Markup {
    let number = device.counters.parked;
    html! {
        section class="callout warn" {
            (icon(Icon::Pause))
            div {
                h2 { (number) @if number == 1 { " message is parked" } @else { " messages are parked" } }
                p {
                    "They will not leave until somebody decides. They were accepted for the account that was linked then, \
                     and go out from no other. "
                    a href={ "/messages?status=parked&device=" (device.id) } { "Look at them" }
                }
            }
            @if person.operator.role.may(Role::Operator) {
                div class="actions" {
                    (act(person, &format!("/devices/{}/release", device.id), "quiet", Icon::Play, "Release"))
                    (ask(&discard_question(&format!("/devices/{}/discard", device.id))))
                }
            }
        }
    }
}

/// Asked before parked messages are canceled.
pub(crate) fn discard_question(action: &str) -> Question<'_> {
    Question {
        action,
        id: "discard",
        label: "Cancel them",
        symbol: Icon::Trash,
        title: "Cancel all parked messages?",
        text: "They will never be sent. Who asked for them can see that they were canceled.",
        fields: html! {},
        is_grave: true,
    }
}

fn health(device: &Device, queue: &Queue) -> Markup {
    let counters = &device.counters;
    html! {
        section class="card" {
            header class="card-head" { h2 { "Health" } }
            dl class="facts" {
                div { dt { "Account" } dd { (account(device)) } }
                div { dt { "WhatsApp last heard of" } dd {
                    @match device.heard_at { Some(at) => (time::ago(at)), None => "never" }
                } }
                div { dt { "Waiting to be sent" } dd {
                    span class="number" { (queue.ready + queue.in_flight + queue.retrying) }
                    @if queue.in_flight > 0 { small { (queue.in_flight) " under way" } }
                    @if queue.retrying > 0 { small { (queue.retrying) " after a failed attempt" } }
                } }
                @if queue.scheduled > 0 { div { dt { "Scheduled" } dd { span class="number" { (queue.scheduled) } } } }
                div { dt { "Sent in all" } dd { span class="number" { (counters.sent) } } }
                div { dt { "Received in all" } dd { span class="number" { (counters.received) } } }
                div { dt { "Reconnects" } dd { span class="number" { (counters.reconnects) } } }
            }
        }
    }
}

fn pace(person: &Person, device: &Device, pacing: &Pacing) -> Markup {
    html! {
        section class="card" {
            header class="card-head" {
                h2 { "Pacing" }
                @if person.operator.role.may(Role::Operator) {
                    a class="more" href={ "/devices/" (device.id) "/pacing" } { "Change it" (icon(Icon::Arrow)) }
                }
            }
            dl class="facts" {
                div { dt { "Messages a minute" } dd {
                    @match pacing.per_minute { Some(rate) => { span class="number" { (rate) } }, None => "no limit" }
                } }
                @if pacing.per_minute.is_some() {
                    div { dt { "At once after a pause" } dd { span class="number" { (pacing.burst) } } }
                }
                div { dt { "New people a day" } dd {
                    @match pacing.new_recipients_per_day { Some(most) => { span class="number" { (most) } }, None => "no limit" }
                } }
                div { dt { "Quiet hours" } dd {
                    @match pacing.quiet_hours {
                        Some(quiet) => { (QuietHours::text(quiet.from)) " to " (QuietHours::text(quiet.until)) small { (pacing.time_zone.name()) } }
                        None => "never",
                    }
                } }
            }
            p class="quiet-text pad" {
                "Pacing only delays, to protect the account."
                @if device.pacing.is_none() { " These are the gateway's defaults." }
            }
        }
    }
}
