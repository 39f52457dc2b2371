//! The list of devices.

use maud::{Markup, html};
use postern_domain::Role;
use postern_store::Device;

use super::device::{account, badge, class, meaning, reason, symbol, title};
use super::icon::{Icon, icon};
use super::parts::empty;
use super::{MOST_DEVICES, time};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;

/// The live part of the list.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person) -> Result<Markup, Failure> {
    let devices = dashboard.devices(person.workspace()).await?;
    if devices.is_empty() {
        return Ok(first(person));
    }
    Ok(html! {
        (rows(&devices))
        @if devices.len() == MOST_DEVICES {
            p class="quiet-text" { "These are the newest " (MOST_DEVICES) ". The API lists all." }
        }
    })
}

/// What there is before there is anything.
pub(crate) fn first(person: &Person) -> Markup {
    let action = html! {
        @if person.operator.role.may(Role::Operator) {
            a class="button primary large" href="/devices/new" { (icon(Icon::Qr)) span { "Link a device" } }
        } @else {
            p class="quiet-text" { "Your role is viewer; an operator can link one." }
        }
    };
    empty(
        Icon::Device,
        "Link your first WhatsApp account",
        "A device is one link to a WhatsApp account. Create it, scan its QR code with the phone, and it can send and \
         receive a few seconds later.",
        action,
    )
}

/// One row for each.
pub(crate) fn rows(devices: &[Device]) -> Markup {
    html! {
        ul class="rows" {
            @for device in devices {
                li {
                    a class="row device-row" href={ "/devices/" (device.id) } id={ "row-" (device.id) } {
                        span class={ "dot " (class(&device.status)) } { (icon(symbol(&device.status))) }
                        span class="row-main" {
                            strong { (title(device)) }
                            span class="quiet-text" { (account(device)) }
                        }
                        span class="row-why" title=(meaning(device)) {
                            (reason(&device.status)) ", " (time::ago(device.status.since))
                            @if let Some(at) = device.status.retry_at { ", next try " (time::countdown(at)) }
                        }
                        span class="row-end" {
                            @if device.counters.parked > 0 {
                                span class="badge warn" { (icon(Icon::Pause)) span { (device.counters.parked) " parked" } }
                            }
                            (badge(&device.status))
                        }
                    }
                }
            }
        }
    }
}
