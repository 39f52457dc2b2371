//! The simulated network: its phones scan, its contacts answer, its faults strike.

use maud::{Markup, html};
use postern_domain::DeviceId;
use serde_json::Value;

use super::device::{account, badge, title};
use super::icon::{Icon, icon};
use super::parts::empty;
use super::time;
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;
use crate::sandbox::SandboxMethod;

/// The phone that scans unless told.
pub(crate) const PHONE: &str = "+4915112345678";
/// The contact that is played unless told.
pub(crate) const CONTACT: &str = "+15551234567";

/// Ways in which a link breaks, as a button of the page says them.
pub(crate) const FAULTS: [(&str, Icon, &str, &str); 6] = [
    (
        "close",
        Icon::Unlink,
        "Drop the link",
        "The socket closes. The device comes back after a second.",
    ),
    (
        "mute",
        Icon::Minus,
        "Go mute",
        "The link is open and dead. The gateway has to notice by itself.",
    ),
    (
        "replaced",
        Icon::Refresh,
        "Open it elsewhere",
        "Another client uses the same link. The device stays away until you reconnect it.",
    ),
    (
        "ban",
        Icon::Ban,
        "Ban for a minute",
        "WhatsApp bars the account. The gateway waits and logs in again.",
    ),
    (
        "unlink",
        Icon::LogOut,
        "Unlink on the phone",
        "The phone removes the device. It has to be linked again.",
    ),
    (
        "clear",
        Icon::Check,
        "All is well again",
        "Every fault of this account ends.",
    ),
];

/// The live part of the page: devices, and what the contact sees.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person, contact: &str) -> Result<Markup, Failure> {
    let devices = dashboard.devices(person.workspace()).await?;
    let received = ask(dashboard, &format!("/contacts/{contact}/messages")).await?;
    let received = received["data"].as_array().cloned().unwrap_or_default();
    Ok(html! {
        section class="card" {
            header class="card-head" { h2 { "Devices" } }
            @if devices.is_empty() {
                p class="quiet-text pad" { "None yet. " a href="/devices/new" { "Create one" } " and let a phone of the sandbox scan its code." }
            }
            ul class="rows" {
                @for device in &devices {
                    li {
                        a class="row" href={ "/devices/" (device.id) @if !device.linked && device.pairing.is_some() { "/pair" } }
                            id={ "sandbox-" (device.id) } {
                            span class="row-main" { strong { (title(device)) } span class="quiet-text" { (account(device)) } }
                            span class="row-end" { (badge(&device.status)) }
                        }
                    }
                }
            }
        }
        section class="card chat" {
            header class="card-head" { h2 { (icon(Icon::Device)) "The phone of " (contact) } small { "what it decrypted" } }
            @if received.is_empty() {
                (empty(Icon::Message, "Nothing arrived yet", "Send a message to this number and it appears here.", html! {
                    a class="button quiet" href={ "/messages/new?to=%2B" (contact.trim_start_matches('+')) } { (icon(Icon::Send)) span { "Send it one" } }
                }))
            }
            @for message in received.iter().rev().take(12).rev() { (bubble(message)) }
        }
    })
}

fn bubble(message: &Value) -> Markup {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let at = postern_domain::Timestamp::from_rfc3339(&text("receivedAt"));
    html! {
        div class="bubble theirs" {
            p { (text("text")) }
            span class="bubble-foot" {
                "from " (text("from"))
                @if let Some(at) = at { " · " (time::ago(at)) }
            }
        }
    }
}

/// Lets a phone of the sandbox take the code that is on show.
pub(crate) fn scanner(person: &Person, device: DeviceId) -> Markup {
    html! {
        section class="card sandbox-card" {
            header class="card-head" { h2 { (icon(Icon::Phone)) "Sandbox" } small { "a simulated phone" } }
            form method="post" action="/sandbox/scan" class="form pad" {
                input type="hidden" name="csrf" value=(person.csrf);
                input type="hidden" name="device" value=(device);
                div class="field" {
                    label for="scanner" { "Number of the phone" }
                    input type="tel" id="scanner" name="phone" value=(PHONE) autocomplete="off";
                }
                button type="submit" class="button quiet" id="scan" { (icon(Icon::Qr)) span { "Use the shown code" } }
            }
        }
    }
}

/// Looks something up in the sandbox.
pub(crate) async fn ask(dashboard: &Dashboard, path: &str) -> Result<Value, Failure> {
    let sandbox = dashboard.sandbox.as_ref().ok_or(Failure::NotFound)?;
    let answer = sandbox.call(SandboxMethod::Get, path, None).await;
    answer.map_err(|error| Failure::Refused(error.to_string()))
}
