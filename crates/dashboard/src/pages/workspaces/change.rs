//! Renaming a workspace, putting it on a plan, switching it off and on.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::checked_name;
use postern_store::{Workspace, WorkspaceChange};

use super::{plans, workspace_id};
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::Icon;
use crate::view::parts::Question;

/// The longest reason, in characters.
const MAX_REASON: usize = 200;

/// `POST /workspaces/{id}/change`
pub(crate) async fn change(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let name = checked_name(fields.get("name"));
    let name =
        name.map_err(|problem| Failure::Refused(sentence(&format!("the name {}", problem.message))))?;
    let plan = fields.get("plan");
    let before = dashboard.workspace(workspace_id(&id)?).await?.plan;
    let plan = match dashboard.config.plans.get(plan) {
        _ if plan == before => None,
        Some(allowed) => Some((plan.to_owned(), *allowed)),
        None => return Err(Failure::Unreadable("It names no plan.")),
    };
    let change = WorkspaceChange {
        name: Some(name),
        plan,
        deactivate: None,
    };
    dashboard.write(&person, &id, "workspace.change", change).await?;
    see("/workspaces?done=workspace-changed")
}

/// `POST /workspaces/{id}/deactivate`
pub(crate) async fn deactivate(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let reason = fields.get("reason");
    if !(1..=MAX_REASON).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
        let why = format!("Say why, in 1 to {MAX_REASON} characters: its members read it.");
        return Err(Failure::Refused(why));
    }
    let change = switched(Some(reason.to_owned()));
    dashboard
        .write(&person, &id, "workspace.deactivate", change)
        .await?;
    see("/workspaces?done=workspace-off")
}

/// `POST /workspaces/{id}/activate`
pub(crate) async fn activate(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    dashboard
        .write(&person, &id, "workspace.activate", switched(None))
        .await?;
    see("/workspaces?done=workspace-on")
}

fn switched(deactivate: Option<String>) -> WorkspaceChange {
    WorkspaceChange {
        deactivate: Some(deactivate),
        ..WorkspaceChange::default()
    }
}

impl Dashboard {
    async fn write(
        &self,
        person: &Person,
        id: &str,
        action: &'static str,
        change: WorkspaceChange,
    ) -> Result<(), Failure> {
        let id = workspace_id(id)?;
        self.workspace(id).await?;
        let (store, now) = (self.acting_on(person, action, id), self.clock.now());
        let changed = self.change_access(async move { store.change_workspace(id, change, now).await });
        let (_, devices) = changed.await?.ok_or(Failure::NotFound)?;
        for device in &devices {
            self.wakes.outbox.ring(device);
        }
        self.wakes.devices.ring();
        self.wakes.webhooks.ring();
        Ok(())
    }
}

/// Asks for another name or plan, to be shown by `show`.
pub(super) fn asked(
    dashboard: &Dashboard,
    workspace: &Workspace,
    show: impl FnOnce(&Question<'_>) -> Markup,
) -> Markup {
    let (action, id) = (
        format!("/workspaces/{}/change", workspace.id),
        format!("change-{}", workspace.id),
    );
    show(&Question {
        action: &action,
        id: &id,
        label: "Change",
        symbol: Icon::Edit,
        title: &format!("Change {}", workspace.name),
        text: "Another plan counts at once; what was used of the month stays used.",
        fields: html! {
            div class="field" {
                label for={ (id) "-name" } { "Name" }
                input type="text" id={ (id) "-name" } name="name" value=(workspace.name) required maxlength="100" autocomplete="off";
            }
            (plans(dashboard, &format!("{id}-plan"), &workspace.plan))
        },
        is_grave: false,
    })
}

/// Asks why a workspace is to be switched off, to be shown by `show`.
pub(super) fn asked_to_stop(workspace: &Workspace, show: impl FnOnce(&Question<'_>) -> Markup) -> Markup {
    let (action, id) = (
        format!("/workspaces/{}/deactivate", workspace.id),
        format!("stop-{}", workspace.id),
    );
    show(&Question {
        action: &action,
        id: &id,
        label: "Deactivate",
        symbol: Icon::Ban,
        title: &format!("Deactivate {}?", workspace.name),
        text: "Its keys are refused and nothing leaves any more. Devices stay linked, messages wait, and what comes in is stored.",
        fields: html! {
            div class="field" {
                label for={ (id) "-reason" } { "Why? Its members read it." }
                input type="text" id={ (id) "-reason" } name="reason" required maxlength=(MAX_REASON) autocomplete="off";
            }
        },
        is_grave: true,
    })
}
