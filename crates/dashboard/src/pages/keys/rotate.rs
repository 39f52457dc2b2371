//! A key takes the place of another: both are valid for a while.

use std::time::Duration;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::key::{KEY_OVERLAP, MOST_KEY_OVERLAP};
use postern_domain::{ApiKeyId, ApiKeySecret, Scopes};
use postern_store::{ApiKey, NewApiKey};

use super::create::revealed;
use super::key_id;
use crate::Dashboard;
use crate::answer::{Answer, page, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::Client;
use crate::view::icon::Icon;
use crate::view::parts::Question;
use crate::view::time;

/// For how long the old key may stay valid.
const OVERLAPS: [(Duration, &str); 4] = [
    (KEY_OVERLAP, "a day"),
    (Duration::from_hours(1), "an hour"),
    (Duration::from_hours(7 * 24), "a week"),
    (MOST_KEY_OVERLAP, "30 days"),
];

/// `POST /keys/{id}/rotate`
pub(crate) async fn rotate(
    dashboard: web::Data<Dashboard>,
    client: Client,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let (id, workspace, now) = (key_id(&id)?, person.workspace(), dashboard.clock.now());
    let new_id: ApiKeyId = fields
        .get("new")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It has no id."))?;
    if dashboard.store.api_key(workspace, new_id).await?.is_some() {
        return see("/keys");
    }
    let seconds = fields.get("overlap").parse().ok().map(Duration::from_secs);
    let overlap = seconds.filter(|overlap| *overlap <= MOST_KEY_OVERLAP);
    let overlap = overlap.ok_or(Failure::Unreadable(
        "It does not say how long the old key is valid.",
    ))?;
    dashboard.api_key(&person, id).await?;
    let secret = ApiKeySecret::generate(dashboard.config.key_kind);
    let (store, made) = (dashboard.acting(&person, "key.rotate", id), secret.clone());
    let rotated = dashboard.change_access(async move {
        let successor = move |old: &ApiKey| NewApiKey {
            id: new_id,
            networks: old.networks.clone(),
            expires_at: old.expires_at,
            ..NewApiKey::of(&made, old.workspace, old.name.clone(), old.scopes)
        };
        let until = now.after(overlap);
        store
            .rotate_api_key(workspace, id, Scopes::all(), until, now, successor)
            .await
    });
    let (old, new) = rotated.await?;
    let until = old
        .ends_at()
        .map(|end| html! { "The one before is valid until " (time::clock(end)) "." });
    page(revealed(&person, &secret, new.scopes, &client, until))
}

/// What is asked before a key is replaced, to be shown by `show`.
pub(super) fn with_question(key: &ApiKey, show: impl FnOnce(&Question<'_>) -> Markup) -> Markup {
    let (action, id) = (format!("/keys/{}/rotate", key.id), format!("rotate-{}", key.id));
    show(&Question {
        action: &action,
        id: &id,
        label: "Rotate",
        symbol: Icon::Refresh,
        title: &format!("A new key for {}?", key.name),
        text: "It may do the same from the same addresses, and is shown once. Bring it to the program while both are valid.",
        fields: html! {
            input type="hidden" name="new" value=(ApiKeyId::generate());
            div class="field" {
                label for={ (id) "-overlap" } { "The old one is valid for another" }
                select id={ (id) "-overlap" } name="overlap" {
                    @for (overlap, words) in OVERLAPS { option value=(overlap.as_secs()) { (words) } }
                }
            }
        },
        is_grave: false,
    })
}
