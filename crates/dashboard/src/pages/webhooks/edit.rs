//! `/webhooks/new` and `/webhooks/{id}/edit`: adding an endpoint, and changing one.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::webhook::{WebhookChecks, WebhookSecret, WebhookTarget};
use postern_domain::{FieldProblem, WebhookId};
use postern_store::{NewWebhook, Webhook, WebhookChange};

use super::form::{Around, Wanted, fields_of};
use super::{secret, webhook_id};
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{form, heading};
use crate::view::webhooks::title;

/// `GET /webhooks/new`
pub(crate) async fn new(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    dashboard.needs_webhooks(&person).await?;
    page(ask(&dashboard, &person, &fields, &[], None).await?)
}

/// `POST /webhooks`: challenges the endpoint, stores it, and shows its secret, this once.
pub(crate) async fn create(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    dashboard.needs_webhooks(&person).await?;
    let workspace = person.workspace();
    // The form carries the id that the endpoint will have: sent twice, it makes one.
    let id: WebhookId = fields
        .get("id")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It has no id."))?;
    if dashboard.store.webhook(workspace, id).await?.is_some() {
        return see(format!("/webhooks/{id}"));
    }
    let wanted = match dashboard.checked(&person, &fields, None).await? {
        Ok(wanted) => wanted,
        Err(problems) => return refused(ask(&dashboard, &person, &fields, &problems, None).await?),
    };
    let skip = wanted.skip_verification;
    let mut new = new_webhook(id, &person, wanted);
    if !skip {
        let target = WebhookTarget {
            url: new.url.clone(),
            headers: new.headers.clone(),
            secrets: vec![new.secret.clone()],
        };
        if let Some(why) = dashboard.challenge(&target).await? {
            let problems = [FieldProblem::new("url", why)];
            return refused(ask(&dashboard, &person, &fields, &problems, None).await?);
        }
        new.verified_at = Some(dashboard.clock.now());
    }
    let secret = new.secret.clone();
    let store = dashboard.acting(&person, "webhook.create", id);
    let webhook = store.create_webhook(new, dashboard.clock.now()).await?;
    dashboard.wakes.webhooks.ring();
    page(secret::revealed(
        &person,
        &webhook,
        &secret,
        "The webhook is ready",
        None,
    ))
}

fn new_webhook(id: WebhookId, person: &Person, wanted: Wanted) -> NewWebhook {
    NewWebhook {
        id,
        workspace: person.workspace(),
        url: wanted.url,
        description: wanted.description,
        event_types: wanted.event_types,
        devices: wanted.devices,
        headers: wanted.headers.unwrap_or_default(),
        secret: WebhookSecret::generate(),
        ordered: wanted.ordered,
        rate_cap: wanted.rate_cap,
        enabled: true,
        verified_at: None,
    }
}

/// `GET /webhooks/{id}/edit`
pub(crate) async fn edit(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    dashboard.needs_webhooks(&person).await?;
    let webhook = dashboard.webhook(person.workspace(), webhook_id(&id)?).await?;
    page(ask(&dashboard, &person, &fields_of(&webhook), &[], Some(&webhook)).await?)
}

/// `POST /webhooks/{id}/edit`: another URL is challenged with the present secret.
pub(crate) async fn change(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    dashboard.needs_webhooks(&person).await?;
    let webhook = dashboard.webhook(person.workspace(), webhook_id(&id)?).await?;
    let (id, now) = (webhook.id, dashboard.clock.now());
    let wanted = match dashboard.checked(&person, &fields, Some(&webhook)).await? {
        Ok(wanted) => wanted,
        Err(problems) => {
            return refused(ask(&dashboard, &person, &fields, &problems, Some(&webhook)).await?);
        }
    };
    let mut change = WebhookChange {
        url: None,
        description: Some(wanted.description),
        event_types: Some(wanted.event_types),
        devices: Some(wanted.devices),
        headers: wanted.headers,
        ordered: Some(wanted.ordered),
        rate_cap: Some(wanted.rate_cap),
        enabled: None,
    };
    if wanted.url != webhook.url {
        let mut target = webhook.target(now);
        target.url.clone_from(&wanted.url);
        if let Some(headers) = &change.headers {
            target.headers.clone_from(headers);
        }
        let refusal = if wanted.skip_verification {
            None
        } else {
            dashboard.challenge(&target).await?
        };
        if let Some(why) = refusal {
            let problems = [FieldProblem::new("url", why)];
            return refused(ask(&dashboard, &person, &fields, &problems, Some(&webhook)).await?);
        }
        change.url = Some((wanted.url, (!wanted.skip_verification).then_some(now)));
    }
    let store = dashboard.acting(&person, "webhook.change", id);
    let changed = store.change_webhook(person.workspace(), id, change, now).await?;
    changed.ok_or(Failure::NotFound)?;
    dashboard.wakes.webhooks.ring();
    see(format!("/webhooks/{id}?done=hook-changed"))
}

impl Dashboard {
    /// Reads the form, and looks whether its devices are there; those that the endpoint has already may be gone.
    async fn checked(
        &self,
        person: &Person,
        fields: &Fields,
        present: Option<&Webhook>,
    ) -> Result<Result<Wanted, Vec<FieldProblem>>, Failure> {
        let wanted = match self.wanted_webhook(fields) {
            Ok(wanted) => wanted,
            Err(problems) => return Ok(Err(problems)),
        };
        let chosen = wanted.devices.clone().unwrap_or_default();
        let mut unknown = self
            .store
            .unknown_devices(person.workspace(), chosen.clone())
            .await?;
        let had = present.and_then(|webhook| webhook.devices.as_deref());
        unknown.retain(|id| had.is_none_or(|had| !had.contains(id)));
        let mut checks = WebhookChecks::default();
        checks.known_devices(&chosen, &unknown);
        Ok(checks.done().map(|()| wanted))
    }

    /// # Errors
    /// The workspace is deactivated, or its plan has no webhooks.
    pub(super) async fn needs_webhooks(&self, person: &Person) -> Result<(), Failure> {
        if let Some(stopped) = &person.looks_at.deactivation {
            return Err(Failure::Refused(format!(
                "The workspace is deactivated, and nothing leaves it: {}",
                stopped.reason
            )));
        }
        let workspace = self
            .store
            .workspace(person.workspace())
            .await?
            .ok_or(Failure::NotFound)?;
        match self.config.plans.get(&workspace.plan) {
            Some(plan) if plan.webhooks => Ok(()),
            _ => Err(Failure::Refused(format!(
                "The plan \"{}\" of this workspace has no webhooks.",
                workspace.plan
            ))),
        }
    }
}

async fn ask(
    dashboard: &Dashboard,
    person: &Person,
    fields: &Fields,
    problems: &[FieldProblem],
    present: Option<&Webhook>,
) -> Result<Markup, Failure> {
    let devices = dashboard.devices(person.workspace()).await?;
    let around = Around {
        fields,
        problems,
        devices: &devices,
        present,
        may_skip: dashboard.config.unverified_webhooks,
    };
    let id = match fields.get("id") {
        "" => WebhookId::generate().to_string(),
        id => id.to_owned(),
    };
    let (back, action, headline, label) = match present {
        Some(webhook) => {
            let path = format!("/webhooks/{}", webhook.id);
            (path.clone(), format!("{path}/edit"), "Edit the webhook", "Save")
        }
        None => (
            "/webhooks".to_owned(),
            "/webhooks".to_owned(),
            "Add a webhook",
            "Add it",
        ),
    };
    let body = html! {
        a class="back" href=(back) { @match present { Some(webhook) => (title(webhook)), None => "Webhooks" } }
        (heading(headline, html! {}, html! {}))
        section class="card narrow" {
            (form(person, &action, html! {
                @if present.is_none() { input type="hidden" name="id" value=(id); }
                (around.inputs())
                div class="actions" {
                    button type="submit" class="button primary" data-once { (icon(Icon::Check)) span { (label) } }
                    a class="button quiet" href=(back) { "Not now" }
                }
            }))
        }
    };
    Ok(shell(person, Place::Webhooks, headline, body))
}
