//! `/activity`: who did what.

use actix_web::web;
use maud::{Markup, html};
use postern_store::{AuditEntry, Author};

use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::Icon;
use crate::view::layout::{Place, shell};
use crate::view::parts::{empty, heading, pages};
use crate::view::time;

/// Rows on a page.
const ROWS: usize = 50;

/// `GET /activity`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let before = fields.get("before").parse().ok();
    let (entries, next) = dashboard.store.audit(person.workspace(), ROWS, before).await?;
    let subtitle = html! { p class="quiet-text" { "What operators and API keys changed. Messages that keys send are on their own page." } };
    let body = html! {
        (heading("Activity", subtitle, html! {}))
        @if entries.is_empty() {
            (empty(Icon::Activity, "Nothing was done yet", "Every act of an operator or an API key is written down here.", html! {}))
        } @else { (table(&entries)) }
        (pages("/activity", before.is_none(), next.map(|next| format!("/activity?before={next}"))))
    };
    page(shell(&person, Place::Activity, "Activity", body))
}

fn table(entries: &[AuditEntry]) -> Markup {
    html! {
        section class="card" {
            div class="scroll" {
                table class="log" {
                    thead { tr { th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "On" } } }
                    tbody {
                        @for entry in entries {
                            tr {
                                td { (time::clock(entry.at)) }
                                td { (author(&entry.author)) }
                                td { (words(&entry.action)) @if !entry.details.is_empty() { small { (entry.details) } } }
                                td { (target(&entry.target)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn author(author: &Author) -> Markup {
    html! {
        @match author {
            Author::Operator { name, .. } => { (name) }
            Author::Shell => { "shell" }
            Author::ApiKey { name, last_four, .. } => { (name) small { "API key …" (last_four) } }
            Author::Administration => { "administration" small { "of the gateway" } }
        }
    }
}

fn target(target: &str) -> Markup {
    html! {
        @if target.starts_with("dev_") { a href={ "/devices/" (target) } { code { (target) } } }
        @else if target.starts_with("whk_") { a href={ "/webhooks/" (target) } { code { (target) } } }
        @else if target.starts_with("msg_") { a href={ "/messages/" (target) } { code { (target) } } }
        @else { code { (target) } }
    }
}

/// An action in plain words.
fn words(action: &str) -> &str {
    match action {
        "operator.set_up" => "became the first owner",
        "operator.add" => "added an operator",
        "operator.role" => "changed a role",
        "operator.password" => "changed a password",
        "operator.remove" => "removed an operator",
        "session.begin" => "logged in",
        "session.end" => "logged out",
        "device.create" => "created a device",
        "device.pair" => "asked for a code",
        "device.rename" => "renamed a device",
        "device.pacing" => "changed the pacing of a device",
        "device.pause" => "paused a device",
        "device.resume" => "resumed a device",
        "device.reconnect" => "reconnected a device",
        "device.logout" => "logged a device out",
        "device.remove" => "removed a device",
        "device.purge" => "removed a device and its history",
        "device.release_parked" => "released parked messages",
        "device.cancel_parked" => "canceled parked messages",
        "message.send" => "sent a message",
        "message.retry" => "retried a message",
        "message.reschedule" => "gave a message another time",
        "message.release" => "released a parked message",
        "message.cancel" => "canceled a message",
        "batch.cancel" => "canceled a batch",
        "event.redeliver" => "sent an event to webhooks again",
        "webhook.create" => "added a webhook",
        "webhook.change" => "changed a webhook",
        "webhook.pause" => "paused a webhook",
        "webhook.enable" => "enabled a webhook",
        "webhook.test" => "tested a webhook",
        "webhook.replay" => "sent events to a webhook again",
        "webhook.secret" => "replaced the secret of a webhook",
        "webhook.remove" => "removed a webhook",
        "key.create" => "made an API key",
        "key.change" => "changed an API key",
        "key.rotate" => "rotated an API key",
        "key.revoke" => "revoked an API key",
        "workspace.register" => "registered the workspace",
        "workspace.create" => "made a workspace",
        "workspace.change" => "changed a workspace",
        "workspace.deactivate" => "deactivated a workspace",
        "workspace.activate" => "activated a workspace",
        other => other,
    }
}
