//! One message: what it says, how far it has come, and every step on the way.

use maud::{Markup, html};
use postern_domain::{Content, Direction, MessageId, MessageStatus, ParkReason, Role};
use postern_store::Message;

use super::icon::{Icon, icon};
use super::messages::{partner, status_badge};
use super::parts::act;
use super::{device, time};
use crate::Dashboard;
use crate::failure::{Failure, sentence};
use crate::guard::Person;

/// The steps of a message that all goes well with, as they are drawn.
const WAY: [(MessageStatus, &str); 4] = [
    (MessageStatus::Queued, "accepted"),
    (MessageStatus::Sent, "sent"),
    (MessageStatus::Delivered, "delivered"),
    (MessageStatus::Read, "read"),
];

/// The live part of its page.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person, id: MessageId) -> Result<Markup, Failure> {
    let workspace = person.workspace();
    let message = dashboard.store.message(workspace, id).await?;
    let message = message.ok_or(Failure::NotFound)?;
    let device = dashboard.store.device(workspace, message.device).await?;
    let device = device.map_or_else(
        || "a device that was removed".to_owned(),
        |device| device::title(&device),
    );
    Ok(html! {
        @if message.direction == Direction::Outbound { (progress(&message)) }
        (trouble(person, &message))
        div class="columns wide-left" {
            (content(&message))
            div class="stack" {
                (facts(&message, &device))
                (timeline(&message))
            }
        }
    })
}

fn progress(message: &Message) -> Markup {
    let status = message.status;
    let ended = matches!(status, MessageStatus::Failed | MessageStatus::Canceled);
    let reached =
        |step: MessageStatus| !ended && status.number() >= step.number() || step == MessageStatus::Queued;
    html! {
        ol class={ "progress" @if ended { " ended" } } data-announce={ "The message is " (status) } {
            @for (step, word) in WAY {
                li class=[reached(step).then_some("reached")] aria-current=[(word == current(status)).then_some("step")] {
                    span class="progress-mark" { @if reached(step) { (icon(Icon::Check)) } }
                    span { (word) @if reached(step) { span class="unseen" { ", done" } } }
                }
            }
        }
    }
}

fn current(status: MessageStatus) -> &'static str {
    match status {
        MessageStatus::Sent => "sent",
        MessageStatus::Delivered => "delivered",
        MessageStatus::Read | MessageStatus::Played => "read",
        _ => "accepted",
    }
}

fn trouble(person: &Person, message: &Message) -> Markup {
    let may = person.operator.role.may(Role::Operator);
    let path = |verb: &str| format!("/messages/{}/{verb}", message.id);
    let can_cancel = matches!(
        message.status,
        MessageStatus::Scheduled | MessageStatus::Queued | MessageStatus::Retrying
    );
    html! {
        @if let Some((code, text)) = &message.failure {
            section class="callout bad" {
                (icon(Icon::Alert))
                div { h2 { "It failed: " (code.name()) } p { (sentence(text)) } }
                @if may && message.status == MessageStatus::Failed {
                    div class="actions" { (act(person, &path("retry"), "primary", Icon::Refresh, "Try again")) }
                }
            }
        } @else if let Some((reason, since)) = &message.parked {
            section class="callout warn" {
                (icon(Icon::Pause))
                div { h2 { "It is parked" } p { (parked(*reason)) " Since " (time::clock(*since)) "." } }
                @if may {
                    div class="actions" {
                        (act(person, &path("release"), "quiet", Icon::Play, "Release"))
                        (act(person, &path("cancel"), "quiet danger", Icon::Ban, "Cancel it"))
                    }
                }
            }
        } @else if can_cancel {
            section class="callout" {
                (icon(Icon::Clock))
                div { h2 { (waiting(message)) } p { (waiting_for(message)) } }
                @if may { div class="actions" { (act(person, &path("cancel"), "quiet danger", Icon::Ban, "Cancel it")) } }
            }
        }
    }
}

fn parked(reason: ParkReason) -> &'static str {
    match reason {
        ParkReason::LoggedOut => {
            "Its device was logged out while it waited. Link the device again and release it."
        }
        ParkReason::OtherAccount => {
            "Its device is linked to another account now; it goes out from no other than its own."
        }
        ParkReason::AccountRemoved => "Its account was removed while it waited.",
    }
}

fn waiting(message: &Message) -> &'static str {
    match message.status {
        MessageStatus::Scheduled => "It waits for its time",
        MessageStatus::Retrying => "The last attempt failed; another one follows",
        _ => "It waits for its turn",
    }
}

fn waiting_for(message: &Message) -> Markup {
    html! {
        @if let Some(at) = message.scheduled_for.filter(|_| message.status == MessageStatus::Scheduled) {
            "It leaves " (time::countdown(at)) " from now, at " (time::clock(at)) "."
        } @else if let Some(at) = message.paced {
            "Pacing holds it back to protect the account; it leaves in about " (time::countdown(at)) "."
        } @else { "It leaves as soon as its device can send." }
    }
}

fn content(message: &Message) -> Markup {
    let side = match message.direction {
        Direction::Inbound => "theirs",
        Direction::Outbound => "ours",
    };
    html! {
        section class="card chat" {
            header class="card-head" { h2 { (partner(message)) } }
            div class={ "bubble " (side) } {
                @if let Content::Text { body } = &message.content { p { (body) } }
                @else { p { em { "Something that is not shown here: " (message.content.type_name()) } } }
                span class="bubble-foot" { (time::clock(message.created_at)) (status_badge(message.status)) }
            }
        }
    }
}

fn facts(message: &Message, device: &str) -> Markup {
    html! {
        section class="card" {
            header class="card-head" { h2 { "Details" } }
            dl class="facts" {
                div { dt { "Device" } dd { a href={ "/devices/" (message.device) } { (device) } } }
                div { dt { "Id" } dd { code { (message.id) } } }
                div { dt { "WhatsApp's id" } dd { code { (message.stanza) } } }
                @if let Some(reference) = &message.client_reference {
                    div { dt { "Your reference" } dd { code { (reference) } } }
                }
                @if let Some(sender) = &message.sender { div { dt { "From" } dd class="number" { (sender) } } }
                @if let Some(at) = message.scheduled_for { div { dt { "Scheduled for" } dd { (time::clock(at)) } } }
                @if message.direction == Direction::Outbound {
                    div { dt { "Attempts" } dd class="number" { (message.attempts) } }
                }
                @if let Some(metadata) = &message.metadata { div { dt { "Metadata" } dd { code { (metadata) } } } }
            }
        }
    }
}

fn timeline(message: &Message) -> Markup {
    html! {
        section class="card" {
            header class="card-head" { h2 { "Timeline" } }
            ol class="timeline" {
                @for entry in &message.timeline {
                    li {
                        (status_badge(entry.status))
                        span class="meta" { (time::clock(entry.at)) }
                        @if let Some(detail) = &entry.detail { p class="quiet-text" { (detail) } }
                    }
                }
            }
        }
    }
}
