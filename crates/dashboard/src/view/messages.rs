//! The list of messages: what is looked for, and a row for each that is found.

use std::collections::HashMap;

use maud::{Markup, html};
use postern_domain::{Content, DeviceId, Direction, MessageStatus, Role};
use postern_store::{Message, MessageFilter, PageStart, TextQuery};

use super::icon::{Icon, icon};
use super::parts::empty;
use super::{names, time};
use crate::Dashboard;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;

/// Rows on a page.
const ROWS: usize = 30;
/// Characters of a text in a row.
const PREVIEW: usize = 120;

/// Stands among the statuses, though a parked message has one as well.
pub(crate) const PARKED: &str = "parked";

/// What is looked for.
#[derive(Clone)]
pub(crate) struct Listing {
    /// As it was asked.
    pub(crate) fields: Fields,
    pub(crate) filter: MessageFilter,
    pub(crate) start: Option<PageStart>,
    /// The fields that make no sense, and why.
    pub(crate) errors: Vec<(&'static str, String)>,
}

impl Listing {
    /// Reads what is asked. What makes no sense is left out, and said.
    pub(crate) fn of(fields: Fields) -> Self {
        let mut errors = Vec::new();
        let mut refuse = |field, why: String| errors.push((field, why));
        let mut filter = MessageFilter::default();
        match fields.get("q") {
            "" => {}
            words => match words.parse::<TextQuery>() {
                Ok(query) => filter.text = Some(query),
                Err(why) => refuse("q", why.to_string()),
            },
        }
        match fields.get("to") {
            "" => {}
            address => match address.parse() {
                Ok(address) => filter.chat = Some(address),
                Err(_) => refuse(
                    "to",
                    "is no phone number like +15551234567 and no group".to_owned(),
                ),
            },
        }
        filter.device = fields.get("device").parse().ok();
        filter.status = fields.get("status").parse().ok();
        filter.parked = fields.get("status") == PARKED;
        filter.direction = match fields.get("direction") {
            "in" => Some(Direction::Inbound),
            "out" => Some(Direction::Outbound),
            _ => None,
        };
        let start = fields.get("start").parse().ok().map(PageStart);
        Self {
            fields,
            filter,
            start,
            errors,
        }
    }

    /// Whether anything is looked for at all.
    fn is_narrow(&self) -> bool {
        !self.fields.query_without(&["start"]).is_empty()
    }

    /// The address of its stream; none for older pages, which stay as they are.
    pub(crate) fn stream(&self) -> Option<String> {
        let query = self.fields.query_without(&["start"]);
        self.start.is_none().then(|| format!("/messages/stream?{query}"))
    }

    fn page(&self, start: Option<&PageStart>) -> String {
        let mut query = self.fields.query_without(&["start"]);
        if let Some(PageStart(start)) = start {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&format!("start={start}"));
        }
        format!("/messages?{query}")
    }
}

/// The rows and the way to more of them.
pub(crate) async fn live(
    dashboard: &Dashboard,
    person: &Person,
    listing: &Listing,
) -> Result<Markup, Failure> {
    let workspace = person.workspace();
    let devices = dashboard.devices(workspace).await?;
    let (filter, start) = (listing.filter.clone(), listing.start.clone());
    let mut page = dashboard
        .store
        .messages(workspace, filter, ROWS, start.clone())
        .await?;
    // Looking for rare rows ends after a while; a person would not press "older" on an empty page.
    for _ in 0..8 {
        let (true, Some(next)) = (page.rows.is_empty(), page.next.clone()) else {
            break;
        };
        let filter = listing.filter.clone();
        page = dashboard
            .store
            .messages(workspace, filter, ROWS, Some(next))
            .await?;
    }
    // With one device there is nothing to tell apart.
    let names = Some(names(&devices)).filter(|names| names.len() > 1);
    let nothing = page.rows.is_empty();
    Ok(html! {
        @if nothing && page.next.is_none() { (none(person, listing)) }
        @else if nothing { p class="quiet-text" { "Nothing among the newest; there are older ones." } }
        @else { section class="card" { (rows(&page.rows, names.as_ref())) } }
        @if start.is_some() || page.next.is_some() {
            nav class="pages" aria-label="Pages" {
                @if start.is_some() { (turn(&listing.page(None), "Newest")) } @else { span {} }
                @if let Some(next) = &page.next { (turn(&listing.page(Some(next)), "Older")) }
            }
        }
    })
}

/// A link that htmx follows without loading the page anew.
fn turn(path: &str, label: &str) -> Markup {
    html! {
        a class="button quiet" href=(path) hx-get=(path) hx-target="#results" hx-select="#results"
            hx-swap="outerHTML show:top" hx-push-url="true" { (label) }
    }
}

fn none(person: &Person, listing: &Listing) -> Markup {
    if listing.is_narrow() {
        return empty(
            Icon::Search,
            "No message is like that",
            "Look for fewer words, or take a filter off. A message can be found by its words a moment after it was stored.",
            html! { a class="button quiet" href="/messages" { "Show all messages" } },
        );
    }
    let action = html! {
        @if person.operator.role.may(Role::Operator) {
            a class="button primary" href="/messages/new" { (icon(Icon::Send)) span { "Send a message" } }
        }
    };
    empty(
        Icon::Message,
        "No messages yet",
        "What is sent over the API or from here appears here, and what comes in.",
        action,
    )
}

/// One row for each; with the names of devices where they are of several.
pub(crate) fn rows(messages: &[Message], names: Option<&HashMap<DeviceId, String>>) -> Markup {
    html! {
        ul class="rows" {
            @for message in messages {
                li {
                    a class="row message-row" href={ "/messages/" (message.id) } id={ "row-" (message.id) } {
                        span class={ "way " (way(message)) } {
                            (icon(if message.direction == Direction::Inbound { Icon::In } else { Icon::Out }))
                            span class="unseen" { (way(message)) }
                        }
                        span class="row-main" {
                            strong class="number" { (partner(message)) }
                            (preview(message))
                        }
                        span class="row-why" {
                            @if let Some(name) = names.and_then(|names| names.get(&message.device)) { (name) ", " }
                            (time::ago(message.created_at))
                        }
                        span class="row-end" { (badge(message)) }
                    }
                }
            }
        }
    }
}

fn way(message: &Message) -> &'static str {
    match message.direction {
        Direction::Inbound => "received",
        Direction::Outbound => "sent",
    }
}

/// Who is at the other end.
pub(crate) fn partner(message: &Message) -> String {
    match (&message.push_name, message.direction) {
        (Some(name), Direction::Inbound) if !name.is_empty() => format!("{name} ({})", message.chat),
        _ => message.chat.to_string(),
    }
}

fn preview(message: &Message) -> Markup {
    html! {
        span class="preview" {
            @match &message.content {
                Content::Text { body } => { (body.chars().take(PREVIEW).collect::<String>()) }
                other => em { (other.type_name()) }
            }
        }
    }
}

/// The status as a word with an icon.
pub(crate) fn badge(message: &Message) -> Markup {
    if message.parked.is_some() {
        return html! { span class="badge warn" { (icon(Icon::Pause)) span { "parked" } } };
    }
    status_badge(message.status)
}

/// A status as a word with an icon.
pub(crate) fn status_badge(status: MessageStatus) -> Markup {
    let (class, symbol) = match status {
        MessageStatus::Scheduled | MessageStatus::Queued => ("idle", Icon::Clock),
        MessageStatus::Processing => ("busy", Icon::Send),
        MessageStatus::Retrying => ("warn", Icon::Refresh),
        MessageStatus::Sent => ("soft", Icon::Check),
        MessageStatus::Delivered => ("soft", Icon::Checks),
        MessageStatus::Read | MessageStatus::Played => ("good", Icon::Checks),
        MessageStatus::Failed => ("bad", Icon::Alert),
        MessageStatus::Canceled => ("idle", Icon::Ban),
        MessageStatus::Received => ("soft", Icon::In),
    };
    html! { span class={ "badge " (class) } { (icon(symbol)) span { (status) } } }
}
