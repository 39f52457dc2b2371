//! The secret that signs: shown once when it is made, replaced with an overlap.

use std::time::Duration;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::Timestamp;
use postern_domain::webhook::WebhookSecret;
use postern_store::Webhook;

use super::webhook_id;
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Question, heading, shown_once};
use crate::view::time;

/// For how many hours the old secret may sign as well.
const OVERLAPS: [(u64, &str); 4] = [
    (WebhookSecret::OVERLAP_HOURS, "for a day"),
    (1, "for an hour"),
    (WebhookSecret::MOST_OVERLAP_HOURS, "for a week"),
    (0, "no longer: it leaked"),
];

/// `POST /webhooks/{id}/secret`: replaces it, and shows the new one.
pub(crate) async fn rotate(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let (id, workspace, now) = (webhook_id(&id)?, person.workspace(), dashboard.clock.now());
    let webhook = dashboard.webhook(workspace, id).await?;
    // A form that is sent twice, by going back or loading the page anew, must not replace the secret it just showed.
    if fields.get("as-of") != as_of(&webhook) {
        return Err(Failure::Refused(
            "The webhook changed since this form was shown. Open its page anew.".to_owned(),
        ));
    }
    let hours = fields.get("overlap").parse().ok();
    let hours = hours.filter(|hours| *hours <= WebhookSecret::MOST_OVERLAP_HOURS);
    let hours = hours.ok_or(Failure::Unreadable(
        "It does not say how long the old secret is valid.",
    ))?;
    let (secret, until) = (WebhookSecret::generate(), now.after(Duration::from_hours(hours)));
    let store = dashboard.acting(&person, "webhook.secret", id);
    let rotated = store
        .rotate_webhook_secret(workspace, id, secret.clone(), until, now)
        .await?;
    let webhook = rotated.ok_or(Failure::NotFound)?;
    dashboard.wakes.webhooks.ring();
    let old = webhook.previous_secret.as_ref().map(|(_, until)| *until);
    page(revealed(&person, &webhook, &secret, "The new secret", old))
}

fn as_of(webhook: &Webhook) -> String {
    webhook.updated_at.as_millis().to_string()
}

/// Asks for how long the old secret is to sign as well.
pub(super) fn asked<'a>(action: &'a str, webhook: &Webhook) -> Question<'a> {
    Question {
        action,
        id: "secret",
        label: "Replace the secret",
        symbol: Icon::Key,
        title: "Replace the secret?",
        text: "The new one is shown once and signs from then on. Meanwhile requests carry both signatures.",
        fields: html! {
            input type="hidden" name="as-of" value=(as_of(webhook));
            div class="field" {
                label for="overlap" { "The old one signs as well" }
                select id="overlap" name="overlap" {
                    @for (hours, words) in OVERLAPS { option value=(hours) { (words) } }
                }
            }
        },
        is_grave: false,
    }
}

/// A page that shows a secret, this once.
pub(super) fn revealed(
    person: &Person,
    webhook: &Webhook,
    secret: &WebhookSecret,
    headline: &str,
    old_until: Option<Timestamp>,
) -> Markup {
    let body = html! {
        (heading(headline, html! {}, html! {}))
        section class="card narrow" {
            div class="form" {
                p {
                    "It verifies that what arrives at " code { (webhook.url) } " comes from this gateway: HMAC-SHA256 as "
                    a href="https://www.standardwebhooks.com" rel="noreferrer" { "Standard Webhooks" } " has it."
                }
                (shown_once("secret-text", "Signing secret", &secret.to_text()))
                @if let Some(until) = old_until { p class="quiet-text" { "The one before signs as well until " (time::clock(until)) "." } }
                div class="actions" {
                    a class="button primary" href={ "/webhooks/" (webhook.id) } { (icon(Icon::Check)) span { "I have stored it" } }
                }
            }
        }
    };
    shell(person, Place::Webhooks, headline, body)
}
