//! `/workspaces`: whose devices, messages and keys are looked at; and for owners, making and switching them.

mod change;
mod create;

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use postern_domain::{FieldProblem, Role, WorkspaceId};
use postern_store::{Act, Store, Workspace};

pub(crate) use self::change::{activate, change, deactivate};
pub(crate) use self::create::create;
use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::{Client, workspace};
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{act, ask, heading, notice, pages, question};
use crate::view::time;

/// Rows on a page.
const ROWS: usize = 50;

/// `GET /workspaces`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    page(render(&dashboard, &person, &fields, &[]).await?)
}

/// `POST /workspaces/choose`: from now on this one is looked at.
pub(crate) async fn choose(dashboard: web::Data<Dashboard>, client: Client, fields: Fields) -> Answer {
    let id: WorkspaceId = fields
        .get("workspace")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It names no workspace."))?;
    dashboard.workspace(id).await?;
    Ok(HttpResponse::SeeOther()
        .cookie(workspace::remember(id, client.secure))
        .insert_header((LOCATION, "/"))
        .finish())
}

async fn render(
    dashboard: &Dashboard,
    person: &Person,
    fields: &Fields,
    problems: &[FieldProblem],
) -> Result<Markup, Failure> {
    let after = fields.get("after").parse().ok();
    let (workspaces, next) = dashboard.store.workspaces(ROWS, after).await?;
    let manages = person.operator.role.may(Role::Owner);
    let subtitle = html! {
        p class="quiet-text" { "Devices, messages, webhooks and keys belong to one. You see one at a time." }
    };
    let body = html! {
        (heading("Workspaces", subtitle, html! {}))
        (notice(super::done(fields.get("done"))))
        section class="card" {
            ul class="rows keys" {
                @for workspace in &workspaces { li class="row" id={ "row-" (workspace.id) } { (row(dashboard, person, workspace)) } }
            }
        }
        (pages("/workspaces", after.is_none(), next.map(|next| format!("/workspaces?after={next}"))))
        @if manages {
            (create::form(dashboard, person, fields, problems))
            @for workspace in &workspaces {
                (change::asked(dashboard, workspace, |asked| question(person, asked)))
                @if workspace.deactivation.is_none() { (change::asked_to_stop(workspace, |asked| question(person, asked))) }
            }
        }
    };
    Ok(shell(person, Place::Workspaces, "Workspaces", body))
}

fn row(dashboard: &Dashboard, person: &Person, workspace: &Workspace) -> Markup {
    let is_chosen = workspace.id == person.workspace();
    let path = |verb: &str| format!("/workspaces/{}/{verb}", workspace.id);
    html! {
        span class="row-main" {
            strong { (workspace.name) }
            span class="quiet-text" { "plan " (workspace.plan) ", made " (time::ago(workspace.created_at)) }
            @if let Some(stopped) = &workspace.deactivation {
                span class="quiet-text" { "deactivated " (time::ago(stopped.since)) ": " (stopped.reason) }
            }
        }
        span class="row-end wrap" {
            @if workspace.deactivation.is_some() { span class="badge bad" { (icon(Icon::Ban)) span { "deactivated" } } }
            @if is_chosen { span class="badge good" { (icon(Icon::Check)) span { "you see this one" } } }
            @else {
                form method="post" action="/workspaces/choose" class="inline" {
                    input type="hidden" name="csrf" value=(person.csrf);
                    input type="hidden" name="workspace" value=(workspace.id);
                    button type="submit" class="button quiet" { (icon(Icon::Arrow)) span { "Look at it" } }
                }
            }
            @if person.operator.role.may(Role::Owner) {
                (change::asked(dashboard, workspace, ask))
                @if workspace.deactivation.is_some() { (act(person, &path("activate"), "quiet", Icon::Play, "Activate")) }
                @else { (change::asked_to_stop(workspace, ask)) }
            }
        }
    }
}

fn workspace_id(text: &str) -> Result<WorkspaceId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

impl Dashboard {
    /// One workspace.
    async fn workspace(&self, id: WorkspaceId) -> Result<Workspace, Failure> {
        self.store.workspace(id).await?.ok_or(Failure::NotFound)
    }

    /// The store as this person writes to it. What is done to a workspace is in its own activity, whichever is looked at.
    fn acting_on(&self, person: &Person, action: &'static str, workspace: WorkspaceId) -> Store {
        self.store.acting(Act {
            workspace,
            ..self.act(person, action, workspace, "")
        })
    }
}

/// The plans to choose from.
fn plans(dashboard: &Dashboard, id: &str, chosen: &str) -> Markup {
    html! {
        div class="field" {
            label for=(id) { "Plan" }
            select id=(id) name="plan" {
                @if !dashboard.config.plans.contains_key(chosen) && !chosen.is_empty() {
                    option value=(chosen) selected { (chosen) ", which is not configured" }
                }
                @for name in dashboard.config.plans.keys() { option value=(name) selected[name == chosen] { (name) } }
            }
        }
    }
}
