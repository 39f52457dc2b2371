//! Making a workspace, with its first key.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{ApiKeySecret, FieldProblem, Scopes, WorkspaceId, checked_name};
use postern_store::NewApiKey;

use super::{plans, render};
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::pages::keys::revealed;
use crate::security::Client;
use crate::view::icon::{Icon, icon};
use crate::view::parts::{Field, field, form as around};

/// `POST /workspaces`: shows its first key, this once.
pub(crate) async fn create(
    dashboard: web::Data<Dashboard>,
    client: Client,
    person: Person,
    fields: Fields,
) -> Answer {
    // The form carries the id that it will have: sent twice, it makes one.
    let id: WorkspaceId = fields
        .get("id")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It has no id."))?;
    if dashboard.store.workspace(id).await?.is_some() {
        return see("/workspaces");
    }
    let plan = fields.get("plan");
    let allowed = dashboard.config.plans.get(plan).copied();
    let allowed = allowed.ok_or(Failure::Unreadable("It names no plan."))?;
    let name = match checked_name(fields.get("name")) {
        Ok(name) => name,
        Err(problem) => return refused(render(&dashboard, &person, &fields, &[problem]).await?),
    };
    let secret = ApiKeySecret::generate(dashboard.config.key_kind);
    let scopes = Scopes::of_a_workspace();
    let key = NewApiKey::of(&secret, id, "first", scopes);
    let (store, now) = (
        dashboard.acting_on(&person, "workspace.create", id),
        dashboard.clock.now(),
    );
    store
        .create_workspace(name, (plan.to_owned(), allowed), key, now)
        .await?;
    page(revealed(&person, &secret, scopes, &client, None))
}

/// The form.
pub(super) fn form(
    dashboard: &Dashboard,
    person: &Person,
    fields: &Fields,
    problems: &[FieldProblem],
) -> Markup {
    let name = Field {
        name: "name",
        label: "Name",
        hint: "For example the customer. A first API key is made with it.",
        error: problems.first().map(|problem| problem.message.as_str()),
    };
    let plan = match fields.get("plan") {
        "" => "unlimited",
        plan => plan,
    };
    let more = [
        ("required", "required"),
        ("maxlength", "100"),
        ("autocomplete", "off"),
        ("placeholder", "ACME"),
    ];
    html! {
        section class="card narrow" {
            header class="card-head" { h2 { (icon(Icon::Plus)) "Make a workspace" } }
            (around(person, "/workspaces", html! {
                input type="hidden" name="id" value=(WorkspaceId::generate());
                (field(&name, "text", fields.get("name"), &more))
                (plans(dashboard, "plan", plan))
                div class="actions" { button type="submit" class="button primary" data-once { "Make it" } }
            }))
        }
    }
}
