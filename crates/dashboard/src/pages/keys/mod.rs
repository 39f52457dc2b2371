//! `/keys`: the workspace's API keys, without the keys themselves.

mod create;
mod end;
mod rotate;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{ApiKeyId, Role, Timestamp};
use postern_store::ApiKey;

pub(crate) use self::create::{create, new, revealed};
pub(crate) use self::end::revoke;
pub(crate) use self::rotate::rotate;
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{ask, empty, heading, notice, pages, question};
use crate::view::time;

/// Rows on a page.
const ROWS: usize = 50;
/// A key that ends so soon is shown as ending.
const SOON: std::time::Duration = std::time::Duration::from_hours(7 * 24);

/// `GET /keys`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let after = fields.get("after").parse().ok();
    let (keys, next) = dashboard.store.api_keys(person.workspace(), ROWS, after).await?;
    let now = dashboard.clock.now();
    let may_make = person.operator.role.may(Role::Owner);
    let actions = html! {
        @if may_make && !keys.is_empty() {
            a class="button primary" href="/keys/new" { (icon(Icon::Plus)) span { "Make a key" } }
        }
    };
    let subtitle = html! {
        p class="quiet-text" { "Programs use the REST API with a key, which says what it may be used for. Only its hash is stored." }
    };
    let alive: Vec<_> = keys.iter().filter(|key| !key.has_ended(now)).collect();
    let body = html! {
        (heading("API keys", subtitle, actions))
        (notice(super::done(fields.get("done"))))
        (dashboard.without_api(&person).await?)
        @if keys.is_empty() { (none(may_make)) }
        @else {
            section class="card" {
                ul class="rows keys" { @for key in &keys { li class="row" id={ "row-" (key.id) } { (row(&person, key, now)) } } }
            }
        }
        (pages("/keys", after.is_none(), next.map(|next| format!("/keys?after={next}"))))
        @if may_make { @for key in &alive { (rotate::with_question(key, |asked| question(&person, asked))) } }
        @if person.operator.role.may(Role::Operator) {
            @for key in &alive { (end::with_question(key, |asked| question(&person, asked))) }
        }
    };
    page(shell(&person, Place::Keys, "API keys", body))
}

fn none(may_make: bool) -> Markup {
    empty(
        Icon::Key,
        "Connect your first program",
        "A key opens the REST API: sending, reading, webhooks, as far as you allow. Make one for each program, so that you \
         can end it alone.",
        html! {
            @if may_make {
                a class="button primary large" href="/keys/new" { (icon(Icon::Key)) span { "Make a key" } }
            } @else {
                p class="quiet-text" { "It takes the role owner to make one." }
            }
        },
    )
}

fn row(person: &Person, key: &ApiKey, now: Timestamp) -> Markup {
    let ended = key.has_ended(now);
    html! {
        span class="row-main" {
            strong { (key.name) }
            span class="quiet-text" {
                code { (key.prefix) "…" (key.last_four) }
                " made " (time::ago(key.created_at))
                @match key.last_used_at { Some(at) => { ", used " (time::ago(at)) }, None => ", never used" }
            }
            span class="scopes" { @for scope in key.scopes.iter() { code title=(scope.meaning()) { (scope) } } }
            @if !key.networks.is_empty() { span class="quiet-text" { "only from " (key.networks.join(", ")) } }
        }
        span class="row-end wrap" {
            (badge(key, now))
            @if !ended && person.operator.role.may(Role::Owner) { (rotate::with_question(key, ask)) }
            @if !ended && person.operator.role.may(Role::Operator) { (end::with_question(key, ask)) }
        }
    }
}

fn badge(key: &ApiKey, now: Timestamp) -> Markup {
    let of = |class: &str, symbol, words: Markup| html! { span class={ "badge " (class) } { (icon(symbol)) span { (words) } } };
    match (key.revoked_at, key.ends_at()) {
        (Some(at), _) => of("idle", Icon::Ban, html! { "revoked " (time::ago(at)) }),
        (None, Some(end)) if end <= now => of("idle", Icon::Clock, html! { "expired " (time::ago(end)) }),
        (None, Some(end)) if end.since(now) < SOON => {
            of("warn", Icon::Clock, html! { "ends in " (time::countdown(end)) })
        }
        (None, Some(end)) => of("good", Icon::Check, html! { "until " (time::clock(end)) }),
        (None, None) => of("good", Icon::Check, html! { "valid" }),
    }
}

fn key_id(text: &str) -> Result<ApiKeyId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

impl Dashboard {
    /// Says that keys are of no use, where the plan does not allow the API.
    async fn without_api(&self, person: &Person) -> Result<Markup, Failure> {
        let workspace = self
            .store
            .workspace(person.workspace())
            .await?
            .ok_or(Failure::NotFound)?;
        let plan = self.config.plans.get(&workspace.plan);
        Ok(html! {
            @if !plan.is_some_and(|plan| plan.api) {
                section class="callout warn" {
                    (icon(Icon::Alert))
                    div { h2 { "Keys are refused now" } p { "The plan \"" (workspace.plan) "\" of this workspace has no API access." } }
                }
            }
        })
    }

    /// One key of the workspace.
    async fn api_key(&self, person: &Person, id: ApiKeyId) -> Result<ApiKey, Failure> {
        let found = self.store.api_key(person.workspace(), id).await?;
        found.ok_or(Failure::NotFound)
    }
}
