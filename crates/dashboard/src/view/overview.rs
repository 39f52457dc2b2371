//! How everything is, at a glance.

use maud::{Markup, html};
use postern_domain::{DeviceReason, DeviceState, MessageStatus};
use postern_store::{Device, MessageFilter, Traffic};

use super::device::{badge, meaning, needs_somebody, title};
use super::icon::{Icon, icon};
use super::parts::empty;
use super::{devices, messages, names, time, webhooks};
use crate::Dashboard;
use crate::failure::Failure;
use crate::guard::Person;

/// How many of what needs somebody are shown.
const SHOWN: usize = 6;

/// The live part of the overview.
pub(crate) async fn live(dashboard: &Dashboard, person: &Person) -> Result<Markup, Failure> {
    let workspace = person.workspace();
    let all = dashboard.devices(workspace).await?;
    if all.is_empty() {
        return Ok(devices::first(person));
    }
    let today = time::midnight(dashboard.clock.now());
    let traffic = dashboard.store.traffic(workspace, today).await?;
    let failed = MessageFilter {
        status: Some(MessageStatus::Failed),
        from: Some(today),
        ..MessageFilter::default()
    };
    let failed = dashboard.store.messages(workspace, failed, 5, None).await?;
    let newest = dashboard
        .store
        .messages(workspace, MessageFilter::default(), 6, None)
        .await?;
    let hooks = webhooks::list::with_health(dashboard, person).await?;
    // With one device there is nothing to tell apart.
    let names = names(&all);
    let names = Some(&names).filter(|names| names.len() > 1);
    Ok(html! {
        (tiles(&all))
        (attention(&all))
        div class="columns wide-left" {
            section class="card" {
                header class="card-head" {
                    h2 { "Latest messages" }
                    a class="more" href="/messages" { "All messages" (icon(Icon::Arrow)) }
                }
                @if newest.rows.is_empty() {
                    (empty(Icon::Message, "No messages yet", "Send one from here, or post it to the API.", html! {
                        a class="button quiet" href="/messages/new" { (icon(Icon::Send)) span { "Send a message" } }
                    }))
                } @else { (messages::rows(&newest.rows, names)) }
            }
            div class="stack" {
                (today_card(&traffic))
                (webhooks::list::card(&hooks))
                section class="card" {
                    header class="card-head" { h2 { "Failed today" } }
                    @if failed.rows.is_empty() {
                        p class="quiet-text pad" { (icon(Icon::Check)) " Nothing failed." }
                    } @else { (messages::rows(&failed.rows, names)) }
                }
            }
        }
    })
}

fn tiles(devices: &[Device]) -> Markup {
    let count = |wanted: &dyn Fn(&Device) -> bool| devices.iter().filter(|device| wanted(device)).count();
    let paused = |device: &Device| device.status.reason == DeviceReason::Stopped;
    let tiles = [
        (
            "good",
            Icon::Check,
            "connected",
            count(&|device| device.status.state == DeviceState::Connected),
        ),
        (
            "warn",
            Icon::Refresh,
            "degraded",
            count(&|device| device.status.state == DeviceState::Degraded),
        ),
        (
            "bad",
            Icon::Alert,
            "disconnected",
            count(&|device| device.status.state == DeviceState::Disconnected && !paused(device)),
        ),
        (
            "busy",
            Icon::Qr,
            "pairing",
            count(&|device| device.status.state == DeviceState::Pairing),
        ),
        (
            "idle",
            Icon::Unlink,
            "not in use",
            count(&|device| device.status.state == DeviceState::Unlinked || paused(device)),
        ),
    ];
    html! {
        ul class="tiles" aria-label="Devices by state" {
            @for (class, symbol, word, number) in tiles {
                li class={ "tile " (class) @if number == 0 { " none" } } {
                    a href="/devices" {
                        span class="tile-number" { (number) }
                        span class="tile-word" { (icon(symbol)) (word) }
                    }
                }
            }
        }
    }
}

fn attention(devices: &[Device]) -> Markup {
    let waiting: Vec<_> = devices.iter().filter(|device| needs_somebody(device)).collect();
    html! {
        @if !waiting.is_empty() {
            section class="card attention" {
                header class="card-head" { h2 { (icon(Icon::Alert)) "Needs you" } }
                ul class="rows" {
                    @for device in waiting.iter().take(SHOWN) {
                        li {
                            a class="row" href={ "/devices/" (device.id) } id={ "needs-" (device.id) } {
                                span class="row-main" {
                                    strong { (title(device)) }
                                    span class="quiet-text" { (meaning(device)) }
                                }
                                span class="row-end" { (badge(&device.status)) }
                            }
                        }
                    }
                }
                @if waiting.len() > SHOWN {
                    p class="quiet-text pad" { a href="/devices" { "and " (waiting.len() - SHOWN) " more" } }
                }
            }
        }
    }
}

fn today_card(traffic: &Traffic) -> Markup {
    let plus = if traffic.more { "+" } else { "" };
    html! {
        section class="card" {
            header class="card-head" { h2 { "Today" } small { "since midnight UTC" } }
            dl class="facts" {
                div { dt { (icon(Icon::Out)) "To be sent" } dd { span class="number" { (traffic.outbound) (plus) } } }
                div { dt { (icon(Icon::Check)) "of these at WhatsApp" } dd { span class="number" { (traffic.sent) (plus) } } }
                div { dt { (icon(Icon::In)) "Received" } dd { span class="number" { (traffic.inbound) (plus) } } }
                div { dt { (icon(Icon::Cross)) "Failed" } dd { span class="number" { (traffic.failed) (plus) } } }
            }
        }
    }
}
