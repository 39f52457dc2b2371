//! Linking a device: the code on show, renewed by itself, until the phone has accepted.

use maud::{Markup, html};
use postern_domain::{DeviceId, DeviceReason, DeviceState};
use postern_store::{CodeKind, Device, ShownCode};

use super::device::{meaning, title};
use super::icon::{Icon, icon};
use super::parts::act;
use super::{qr, time};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;

/// The live part of the page.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person, id: DeviceId) -> Result<Markup, Failure> {
    let device = dashboard.device(person.workspace(), id).await?;
    let now = dashboard.clock.now();
    let code = dashboard.store.shown_code(person.workspace(), id, now).await?;
    let status = &device.status;
    if device.linked && status.reason != DeviceReason::LoggingIn {
        return Ok(linked(&device));
    }
    if device.linked || status.reason == DeviceReason::LoggingIn {
        return Ok(waiting(
            "The phone accepted",
            "The account is logging in for the first time. A few seconds more.",
        ));
    }
    match code {
        Some(code) => on_show(&code),
        None if device.pairing.is_some() => Ok(waiting(
            "Waiting for a code",
            "WhatsApp is being asked for one. This takes a second or two.",
        )),
        None => Ok(none(person, &device)),
    }
}

fn on_show(code: &ShownCode) -> Result<Markup, Failure> {
    Ok(match code.kind {
        CodeKind::Qr => html! {
            section class="code-card" data-announce="A QR code is on show" {
                (qr::svg(code.code.expose())?)
                p class="code-until" { (icon(Icon::Clock)) span { "New code in " strong { (time::countdown(code.expires_at)) } } }
            }
        },
        CodeKind::PairingCode => html! {
            section class="code-card" data-announce="A pairing code is on show" {
                p class="typed-code" { (grouped(code.code.expose())) }
                p class="quiet-text" {
                    "On the phone: WhatsApp, " em { "Linked devices" } ", " em { "Link a device" } ", "
                    em { "Link with phone number instead" } "."
                }
                p class="code-until" { (icon(Icon::Clock)) span { "Good for " strong { (time::countdown(code.expires_at)) } } }
            }
        },
    })
}

/// As phones show it: `ABCD-EFGH`.
fn grouped(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, second)) if second.len() == 4 => format!("{first}-{second}"),
        _ => code.to_owned(),
    }
}

fn waiting(title: &str, text: &str) -> Markup {
    html! {
        section class="code-card waiting" data-announce=(title) {
            span class="spinner" aria-hidden="true" {}
            h2 { (title) }
            p class="quiet-text" { (text) }
        }
    }
}

fn linked(device: &Device) -> Markup {
    let connected = device.status.state == DeviceState::Connected;
    html! {
        section class="code-card success" data-announce={ (title(device)) " is linked" } data-linked {
            span class="success-icon" { (icon(Icon::Check)) }
            h2 { @if connected { "Connected" } @else { "Linked" } }
            @if let Some(account) = &device.account {
                p class="success-number number" { (account.phone) }
                @if let Some(name) = &account.push_name { p class="quiet-text" { (name) } }
            }
            p class="quiet-text" {
                @if connected { "It can send and receive now." } @else { (meaning(device)) }
            }
            div class="actions center" {
                a class="button primary" href={ "/messages/new?device=" (device.id) } { (icon(Icon::Send)) span { "Send a message" } }
                a class="button quiet" href={ "/devices/" (device.id) } { "Open the device" }
            }
        }
    }
}

fn none(person: &Person, device: &Device) -> Markup {
    html! {
        section class="code-card" data-announce="No code is on show" {
            span class="empty-icon" { (icon(Icon::Qr)) }
            h2 { "No code is on show" }
            p class="quiet-text" { (meaning(device)) }
            (act(person, &format!("/devices/{}/pair", device.id), "primary large", Icon::Qr, "Show a QR code"))
        }
    }
}
