//! What is around every page.

use maud::{DOCTYPE, Markup, html};
use postern_domain::Role;

use super::icon::{Icon, icon, mark};
use crate::assets;
use crate::guard::Person;

/// Which entry of the menu a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Devices,
    Messages,
    Webhooks,
    Keys,
    Usage,
    Workspaces,
    Settings,
    Sandbox,
    People,
    Activity,
    Account,
    Api,
    Elsewhere,
}

/// Entries of the menu that a phone always shows.
const IN_SIGHT: usize = 4;

/// Without evaluated code and inline styles, which the policy of our pages forbids.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true}"#;

/// A page for somebody who is logged in.
pub(crate) fn shell(person: &Person, place: Place, title: &str, inner: Markup) -> Markup {
    frame(person, place, title, false, inner)
}

/// The same with something alive in it: where no script runs, it loads itself anew.
pub(crate) fn live_shell(person: &Person, place: Place, title: &str, inner: Markup) -> Markup {
    frame(person, place, title, true, inner)
}

fn frame(person: &Person, place: Place, title: &str, refreshes: bool, inner: Markup) -> Markup {
    document(
        title,
        refreshes,
        html! {
            a class="skip" href="#main" { "Skip to the content" }
            div class="shell" {
                (menu(person, place))
                main id="main" tabindex="-1" { (switched_off(person)) (inner) }
            }
            p id="offline" class="offline" role="alert" hidden {
                (icon(Icon::Alert)) span { "Not live: the gateway does not answer. Trying again…" }
            }
            p id="announcer" class="unseen" role="status" {}
        },
    )
}

/// A page for somebody who is not.
pub(crate) fn bare(title: &str, inner: Markup) -> Markup {
    document(
        title,
        false,
        html! {
            main class="bare" id="main" {
                p class="brand" { (mark()) span { "Postern" } }
                (inner)
            }
        },
    )
}

fn document(title: &str, refreshes: bool, inner: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Postern" }
                link rel="icon" type="image/svg+xml" href=(assets::path("icon.svg"));
                link rel="stylesheet" href=(assets::path("dashboard.css"));
                script src=(assets::path("htmx.js")) defer {}
                script src=(assets::path("sse.js")) defer {}
                script src=(assets::path("dashboard.js")) defer {}
                @if refreshes {
                    noscript { meta http-equiv="refresh" content="15"; }
                }
            }
            body { (inner) }
        }
    }
}

/// Says on every page that the workspace may do nothing.
fn switched_off(person: &Person) -> Markup {
    html! {
        @if let Some(stopped) = &person.looks_at.deactivation {
            section class="callout bad" {
                (icon(Icon::Ban))
                div {
                    h2 { "The workspace " (person.looks_at.name) " is deactivated" }
                    p { (stopped.reason) }
                    p { "Nothing is accepted and nothing leaves. What comes in is stored, and messages wait." }
                }
            }
        }
    }
}

fn menu(person: &Person, place: Place) -> Markup {
    html! {
        header class="menu" {
            a class="brand" href="/" { (mark()) span { "Postern" } }
            @if person.has_several {
                a class="chosen" href="/workspaces" title="Look at another workspace" {
                    span { small { "Workspace" } strong { (person.looks_at.name) } } (icon(Icon::Arrow))
                }
            }
            nav aria-label="Main" { (entries(person, place)) }
            div class="self" {
                a href="/account" class="self-name" aria-current=[(place == Place::Account).then_some("page")] {
                    span class="avatar" aria-hidden="true" { (initial(&person.operator.name)) }
                    span { strong { (person.operator.name) } small { (person.operator.role) } }
                }
                form method="post" action="/logout" {
                    input type="hidden" name="csrf" value=(person.csrf);
                    button type="submit" class="button quiet icon-only" title="Log out" {
                        (icon(Icon::LogOut)) span class="unseen" { "Log out" }
                    }
                }
            }
        }
    }
}

/// The entries that a role has. On a phone the first of them stay in sight and a button opens the others.
fn entries(person: &Person, here: Place) -> Markup {
    let may = |role| person.operator.role.may(role);
    let all = [
        (true, Place::Overview, "/", Icon::Home, "Overview"),
        (true, Place::Devices, "/devices", Icon::Device, "Devices"),
        (true, Place::Messages, "/messages", Icon::Message, "Messages"),
        (true, Place::Webhooks, "/webhooks", Icon::Hook, "Webhooks"),
        (true, Place::Usage, "/usage", Icon::Gauge, "Usage"),
        (true, Place::Keys, "/keys", Icon::Key, "API keys"),
        (
            person.has_sandbox && may(Role::Operator),
            Place::Sandbox,
            "/sandbox",
            Icon::Phone,
            "Sandbox",
        ),
        (true, Place::Activity, "/activity", Icon::Activity, "Activity"),
        (may(Role::Owner), Place::People, "/people", Icon::People, "People"),
        (
            person.has_several || may(Role::Owner),
            Place::Workspaces,
            "/workspaces",
            Icon::Workspace,
            "Workspaces",
        ),
        (
            may(Role::Operator),
            Place::Settings,
            "/settings",
            Icon::Settings,
            "Settings",
        ),
        (true, Place::Api, "/docs", Icon::Code, "API"),
    ];
    let shown: Vec<_> = all.into_iter().filter(|entry| entry.0).collect();
    let (first, others) = shown.split_at(shown.len().min(IN_SIGHT));
    html! {
        @for (_, place, path, symbol, label) in first { (entry(here, *place, path, *symbol, label)) }
        @if !others.is_empty() {
            button type="button" class="more-entries" popovertarget="more" { (icon(Icon::More)) span { "More" } }
            div popover id="more" class="entries" {
                @for (_, place, path, symbol, label) in others { (entry(here, *place, path, *symbol, label)) }
            }
        }
    }
}

fn entry(here: Place, place: Place, path: &str, symbol: Icon, label: &str) -> Markup {
    html! {
        a href=(path) aria-current=[(here == place).then_some("page")] { (icon(symbol)) span { (label) } }
    }
}

fn initial(name: &str) -> String {
    name.chars().take(1).flat_map(char::to_uppercase).collect()
}
