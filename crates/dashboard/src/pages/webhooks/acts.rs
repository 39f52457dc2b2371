//! What is done to an endpoint with one button.

use actix_web::web;
use postern_store::WebhookChange;

use super::webhook_id;
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::failure::Failure;
use crate::guard::Person;

/// `POST /webhooks/{id}/pause`
pub(crate) async fn pause(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    dashboard.switch(&person, &id, "webhook.pause", false).await?;
    see(format!("/webhooks/{id}?done=hook-paused"))
}

/// `POST /webhooks/{id}/enable`
pub(crate) async fn enable(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    dashboard.switch(&person, &id, "webhook.enable", true).await?;
    see(format!("/webhooks/{id}?done=hook-enabled"))
}

/// `POST /webhooks/{id}/remove`
pub(crate) async fn remove(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = webhook_id(&id)?;
    let workspace = person.workspace();
    dashboard.webhook(workspace, id).await?;
    let store = dashboard.acting(&person, "webhook.remove", id);
    store.remove_webhook(workspace, id).await?;
    dashboard.wakes.webhooks.ring();
    see("/webhooks?done=hook-removed")
}

impl Dashboard {
    async fn switch(
        &self,
        person: &Person,
        id: &str,
        action: &'static str,
        enabled: bool,
    ) -> Result<(), Failure> {
        let id = webhook_id(id)?;
        let change = WebhookChange {
            enabled: Some(enabled),
            ..WebhookChange::default()
        };
        self.webhook(person.workspace(), id).await?;
        let store = self.acting(person, action, id);
        let changed = store
            .change_webhook(person.workspace(), id, change, self.clock.now())
            .await?;
        changed.ok_or(Failure::NotFound)?;
        self.wakes.webhooks.ring();
        Ok(())
    }
}
