//! Ending a key.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::Scopes;
use postern_store::ApiKey;

use super::key_id;
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::guard::Person;
use crate::view::icon::Icon;
use crate::view::parts::Question;

/// `POST /keys/{id}/revoke`
pub(crate) async fn revoke(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let (id, workspace, now) = (key_id(&id)?, person.workspace(), dashboard.clock.now());
    if dashboard.api_key(&person, id).await?.revoked_at.is_none() {
        let store = dashboard.acting(&person, "key.revoke", id);
        dashboard
            .change_access(async move { store.revoke_api_key(workspace, id, Scopes::all(), now).await })
            .await?;
    }
    see("/keys?done=key-revoked")
}

/// What is asked before a key is ended, to be shown by `show`.
pub(super) fn with_question(key: &ApiKey, show: impl FnOnce(&Question<'_>) -> Markup) -> Markup {
    let (action, id) = (format!("/keys/{}/revoke", key.id), format!("revoke-{}", key.id));
    show(&Question {
        action: &action,
        id: &id,
        label: "Revoke",
        symbol: Icon::Ban,
        title: &format!("Revoke the key {}?", key.name),
        text: "It is refused from the next request on, and never becomes valid again.",
        fields: html! {},
        is_grave: true,
    })
}
