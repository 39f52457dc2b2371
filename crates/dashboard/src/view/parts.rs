//! The parts that pages are put together from.

use maud::{Markup, PreEscaped, html};
use postern_domain::Role;

use super::icon::{Icon, icon};
use crate::guard::Person;

/// The part of a page that its stream replaces.
pub(crate) fn live(stream: &str, inner: Markup) -> Markup {
    html! {
        div hx-ext="sse" sse-connect=(stream) class="live" {
            div sse-swap="live" class="stack" { (inner) }
            div sse-swap="gone" data-gone hidden {}
        }
    }
}

/// A form that makes or changes something: it carries the session's token, and the workspace that it is filled in for,
/// because another tab may choose another one meanwhile.
pub(crate) fn form(person: &Person, action: &str, inner: Markup) -> Markup {
    html! {
        form method="post" action=(action) class="form" {
            input type="hidden" name="csrf" value=(person.csrf);
            input type="hidden" name="workspace-seen" value=(person.workspace());
            (inner)
        }
    }
}

/// A form that is only a button.
pub(crate) fn act(person: &Person, action: &str, class: &str, symbol: Icon, label: &str) -> Markup {
    html! {
        form method="post" action=(action) class="inline" {
            input type="hidden" name="csrf" value=(person.csrf);
            button type="submit" class={ "button " (class) } { (icon(symbol)) span { (label) } }
        }
    }
}

/// What is asked once before something is done that cannot be undone.
pub(crate) struct Question<'a> {
    /// Where its form goes.
    pub(crate) action: &'a str,
    /// Names it in the page.
    pub(crate) id: &'a str,
    /// On the button that asks, and on the one that does it.
    pub(crate) label: &'a str,
    pub(crate) symbol: Icon,
    pub(crate) title: &'a str,
    /// What will happen.
    pub(crate) text: &'a str,
    /// More fields.
    pub(crate) fields: Markup,
    /// There is no way back.
    pub(crate) is_grave: bool,
}

/// A button that asks first.
pub(crate) fn ask(question: &Question<'_>) -> Markup {
    html! {
        button type="button" class={ "button quiet" @if question.is_grave { " danger" } } id={ "ask-" (question.id) } popovertarget=(question.id) {
            (icon(question.symbol)) span { (question.label) "…" }
        }
    }
}

/// The question itself, outside of what streams replace.
pub(crate) fn question(person: &Person, question: &Question<'_>) -> Markup {
    let heading = format!("{}-title", question.id);
    html! {
        div popover id=(question.id) class="dialog" role="dialog" aria-labelledby=(heading) {
            form method="post" action=(question.action) {
                input type="hidden" name="csrf" value=(person.csrf);
                h2 id=(heading) { (question.title) }
                p { (question.text) }
                (question.fields)
                div class="actions end" {
                    button type="button" class="button quiet" popovertarget=(question.id)
                        popovertargetaction="hide" autofocus { "Keep it as it is" }
                    button type="submit" data-once class=(if question.is_grave { "button danger solid" } else { "button primary" }) { (icon(question.symbol)) span { (question.label) } }
                }
            }
        }
    }
}

/// A field with its label, a hint, and what is wrong with it.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) hint: &'a str,
    pub(crate) error: Option<&'a str>,
}

/// Lays a field out; `attributes` is everything inside the input's tag but its name and what belongs to the label.
pub(crate) fn field(field: &Field<'_>, kind: &str, value: &str, more: &[(&str, &str)]) -> Markup {
    let described = described_by(field);
    html! {
        div class="field" {
            label for=(field.name) { (field.label) }
            (PreEscaped(input(field, kind, value, more, &described)))
            (under(field))
        }
    }
}

/// A field for date and time: in UTC, or where scripts run in the reader's own zone. See [`crate::fields::Fields::moment`].
pub(crate) fn moment(name: &str, label: &str, hint: &str, value: &str) -> Markup {
    html! {
        div class="field" {
            label for=(name) { (label) " " small data-zone { "UTC" } }
            input type="datetime-local" id=(name) name=(name) value=[(!value.is_empty()).then_some(value)]
                aria-describedby={ (name) "-hint" } data-moment;
            input type="hidden" name={ (name) "-offset" } value="0";
            p class="hint" id={ (name) "-hint" } { (hint) }
        }
    }
}

/// A secret that is shown this once, to be copied.
pub(crate) fn shown_once(id: &str, label: &str, secret: &str) -> Markup {
    html! {
        div class="field" {
            label for=(id) { (label) }
            div class="copied" {
                input type="text" id=(id) class="mono" value=(secret) readonly autocomplete="off" spellcheck="false" data-select
                    aria-describedby={ (id) "-hint" };
                button type="button" class="button quiet" data-copy=(id) hidden { (icon(Icon::Copy)) span { "Copy" } }
            }
            p class="hint" id={ (id) "-hint" } { "Shown this once and never again. Store it now." }
        }
    }
}

/// What stands under a field.
pub(crate) fn under(field: &Field<'_>) -> Markup {
    html! {
        @if let Some(error) = field.error {
            p class="error" id={ (field.name) "-error" } { (icon(Icon::Alert)) span { (error) } }
        }
        @if !field.hint.is_empty() {
            p class="hint" id={ (field.name) "-hint" } { (field.hint) }
        }
    }
}

/// Which elements say more about a field.
pub(crate) fn described_by(field: &Field<'_>) -> String {
    let mut ids = Vec::new();
    if field.error.is_some() {
        ids.push(format!("{}-error", field.name));
    }
    if !field.hint.is_empty() {
        ids.push(format!("{}-hint", field.name));
    }
    ids.join(" ")
}

/// maud knows no attribute whose name is a value, so this tag is put together here; every value is escaped.
fn input(field: &Field<'_>, kind: &str, value: &str, more: &[(&str, &str)], described: &str) -> String {
    let own = [
        ("type", kind),
        ("id", field.name),
        ("name", field.name),
        ("value", value),
        ("aria-describedby", described),
        ("aria-invalid", if field.error.is_some() { "true" } else { "" }),
    ];
    let mut tag = "<input".to_owned();
    for (name, value) in own.iter().chain(more) {
        if !value.is_empty() {
            let value = html! { (value) }.into_string().replace('"', "&quot;");
            tag.push_str(&format!(" {name}=\"{value}\""));
        }
    }
    tag.push('>');
    tag
}

/// There is nothing yet: what to do next.
pub(crate) fn empty(symbol: Icon, title: &str, text: &str, action: Markup) -> Markup {
    html! {
        section class="empty" {
            span class="empty-icon" { (icon(symbol)) }
            h2 { (title) }
            p { (text) }
            (action)
        }
    }
}

/// Something was done.
pub(crate) fn notice(text: &str) -> Markup {
    html! {
        @if !text.is_empty() {
            p class="notice" role="status" { (icon(Icon::Check)) span { (text) } }
        }
    }
}

/// A way to what an operator may do on a page, for those who may.
pub(crate) fn way(person: &Person, path: &str, symbol: Icon, label: &str) -> Markup {
    html! {
        @if person.operator.role.may(Role::Operator) {
            a class="button primary" href=(path) { (icon(symbol)) span { (label) } }
        }
    }
}

/// The ways from one page of a list to others: to its newest rows, unless they are shown, and to those that are `older`.
pub(crate) fn pages(list: &str, shows_newest: bool, older: Option<String>) -> Markup {
    html! {
        nav class="pages" aria-label="Pages" {
            @if shows_newest { span {} } @else { a class="button quiet" href=(list) { "Newest" } }
            @if let Some(older) = older { a class="button quiet" href=(older) { "Older" } }
        }
    }
}

/// Where the page stands, and its actions.
pub(crate) fn heading(title: &str, subtitle: Markup, actions: Markup) -> Markup {
    html! {
        header class="heading" {
            div { h1 { (title) } (subtitle) }
            div class="actions" { (actions) }
        }
    }
}
