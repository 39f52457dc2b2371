//! `/settings`: how the daemon is set up, what it runs, and how much room its files take.

use std::path::Path;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::Plan;

use crate::answer::{Answer, page};
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::heading;
use crate::view::usage::grouped;
use crate::{Dashboard, Setting};

/// The files whose sizes are shown, and what is in them.
const FILES: [(&str, &str); 2] = [
    ("postern.db", "messages, devices, events, webhooks"),
    ("keys.db", "the keys of the links to WhatsApp"),
];

/// `GET /settings`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, person: Person) -> Answer {
    let subtitle = html! {
        p class="quiet-text" { "As the daemon runs with them. Change them in its file, its environment or its flags, and start it again." }
    };
    let body = html! {
        (heading("Settings", subtitle, html! {}))
        div class="columns" {
            (versions(&dashboard.config.versions))
            (files(&dashboard.config.data_dir).await)
        }
        (plans(&dashboard, &person.looks_at.plan))
        @for (section, settings) in sections(&dashboard.config.settings) { (settings_card(section, settings)) }
    };
    page(shell(&person, Place::Settings, "Settings", body))
}

fn versions(versions: &[(String, String)]) -> Markup {
    html! {
        section class="card" {
            header class="card-head" { h2 { "Versions" } }
            dl class="facts" {
                @for (what, version) in versions { div { dt { (what) } dd class="number" { (version) } } }
            }
        }
    }
}

async fn files(folder: &Path) -> Markup {
    let mut sizes = Vec::new();
    for (name, what) in FILES {
        let mut bytes = 0;
        // What was written lately stands in a second file, until it is moved over.
        for part in [name.to_owned(), format!("{name}-wal")] {
            bytes += tokio::fs::metadata(folder.join(part))
                .await
                .map_or(0, |found| found.len());
        }
        sizes.push((name, what, bytes));
    }
    html! {
        section class="card" {
            header class="card-head" { h2 { "Files" } small { (folder.display()) } }
            dl class="facts" {
                @for (name, what, bytes) in sizes {
                    div { dt { code { (name) } } dd { span class="number" { (size(bytes)) } small { (what) } } }
                }
            }
        }
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    let (unit, shift) = match bytes {
        0..0x10_0000 => return format!("{} KiB", bytes.div_ceil(1_024)),
        0x10_0000..0x4000_0000 => ("MiB", 20),
        _ => ("GiB", 30),
    };
    let tenths = (bytes * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

fn plans(dashboard: &Dashboard, own: &str) -> Markup {
    let limit = |limit: Option<u64>| limit.map_or_else(|| "no limit".to_owned(), grouped);
    html! {
        section class="card" {
            header class="card-head" { h2 { "Plans" } code { "[plans]" } }
            div class="scroll" tabindex="0" role="region" aria-label="Plans" {
                table class="numbers" {
                    thead { tr {
                        @for word in ["Plan", "devices", "messages a month", "requests a minute", "messages a batch", "REST API", "webhooks"] {
                            th scope="col" { (word) }
                        }
                    } }
                    tbody {
                        @for (name, plan) in &dashboard.config.plans {
                            tr {
                                th scope="row" { (name) @if name == own { " " span class="badge good" { (icon(Icon::Check)) span { "this workspace" } } } }
                                @for number in numbers(plan) { td { (limit(number)) } }
                                @for may in [plan.api, plan.webhooks] { td { @if may { "yes" } @else { "no" } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn numbers(plan: &Plan) -> [Option<u64>; 4] {
    [
        plan.devices.map(u64::from),
        plan.messages_per_month,
        plan.requests_per_minute.map(u64::from),
        plan.messages_per_batch.map(u64::from),
    ]
}

/// The settings by the part of their name before the dot; they are in its order.
fn sections(settings: &[Setting]) -> Vec<(&str, &[Setting])> {
    let section = |setting: &Setting| setting.name.split('.').next().unwrap_or_default().to_owned();
    settings
        .chunk_by(|one, other| section(one) == section(other))
        .filter_map(|chunk| Some((chunk.first()?.name.split('.').next()?, chunk)))
        .collect()
}

fn settings_card(section: &str, settings: &[Setting]) -> Markup {
    html! {
        section class="card" {
            header class="card-head" { h2 { code { "[" (section) "]" } } }
            dl class="facts wide" {
                @for setting in settings {
                    div {
                        dt {
                            span { code { (setting.name) } }
                            small { (setting.meaning) }
                        }
                        dd {
                            code { @if setting.value.is_empty() { "\"\"" } @else { (setting.value) } }
                            @if let Some(default) = &setting.default {
                                small { "default " code { @if default.is_empty() { "\"\"" } @else { (default) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_units() {
        let sizes = [0, 1, 4_096, 1_572_864, 5 << 30].map(size);
        assert_eq!(sizes, ["0 KiB", "1 KiB", "4 KiB", "1.5 MiB", "5.0 GiB"]);
    }

    #[test]
    fn settings_stand_with_their_section() {
        let setting = |name: &str| Setting {
            name: name.to_owned(),
            value: String::new(),
            default: None,
            meaning: String::new(),
        };
        let settings = ["data.dir", "data.readers", "log.level"].map(setting);
        let found: Vec<_> = sections(&settings)
            .into_iter()
            .map(|(name, of)| (name, of.len()))
            .collect();
        assert_eq!(found, [("data", 2), ("log", 1)]);
    }
}
