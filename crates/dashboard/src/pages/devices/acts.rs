//! What is done to a device: each form writes what is wanted and rings; the session follows.

use actix_web::web;
use postern_domain::{DeviceId, checked_label};
use postern_store::{DeviceChange, DeviceRequest};

use super::device_id;
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;

/// `POST /devices/{id}/pause`
pub(crate) async fn pause(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let wanted = ("device.pause", DeviceRequest::Pause);
    dashboard.ask_and_show(&person, &id, wanted, "paused").await
}

/// `POST /devices/{id}/resume`
pub(crate) async fn resume(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let wanted = ("device.resume", DeviceRequest::Resume);
    dashboard.ask_and_show(&person, &id, wanted, "resumed").await
}

/// `POST /devices/{id}/reconnect`
pub(crate) async fn reconnect(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let wanted = ("device.reconnect", DeviceRequest::Reconnect);
    dashboard.ask_and_show(&person, &id, wanted, "reconnecting").await
}

/// `POST /devices/{id}/logout`
pub(crate) async fn log_out(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let wanted = ("device.logout", DeviceRequest::LogOut);
    dashboard.ask_and_show(&person, &id, wanted, "logged-out").await
}

/// `POST /devices/{id}/remove`
pub(crate) async fn remove(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = device_id(&id)?;
    let purge = fields.ticked("purge");
    let action = if purge { "device.purge" } else { "device.remove" };
    dashboard
        .ask(&person, id, (action, DeviceRequest::Remove { purge }))
        .await?;
    see("/devices?done=removed")
}

/// `POST /devices/{id}/rename`
pub(crate) async fn rename(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = device_id(&id)?;
    let name = checked_label(fields.get("name"));
    let name = name.map_err(|why| Failure::Refused(sentence(&format!("the name {}", why.message))))?;
    let change = DeviceChange {
        name: Some(name),
        ..DeviceChange::default()
    };
    dashboard.device(person.workspace(), id).await?;
    let store = dashboard.acting(&person, "device.rename", id);
    store.change_device(person.workspace(), id, change).await?;
    dashboard.wakes.devices.ring();
    see(format!("/devices/{id}?done=renamed"))
}

/// `POST /devices/{id}/release`
pub(crate) async fn release_parked(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = device_id(&id)?;
    let store = dashboard.acting(&person, "device.release_parked", id);
    store
        .release_parked(person.workspace(), id, dashboard.clock.now())
        .await?;
    dashboard.wakes.outbox.ring(&id);
    dashboard.wakes.events.ring();
    see(format!("/devices/{id}?done=released"))
}

/// `POST /devices/{id}/discard`
pub(crate) async fn cancel_parked(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = device_id(&id)?;
    let store = dashboard.acting(&person, "device.cancel_parked", id);
    store
        .cancel_parked(person.workspace(), id, dashboard.clock.now())
        .await?;
    dashboard.wakes.events.ring();
    see(format!("/devices/{id}?done=discarded"))
}

impl Dashboard {
    /// Writes down what is wanted of a device, rings, and goes back to its page, which says that it was `done`.
    async fn ask_and_show(
        &self,
        person: &Person,
        id: &str,
        wanted: (&'static str, DeviceRequest),
        done: &str,
    ) -> Answer {
        let id = device_id(id)?;
        self.ask(person, id, wanted).await?;
        see(format!("/devices/{id}?done={done}"))
    }

    async fn ask(
        &self,
        person: &Person,
        id: DeviceId,
        (action, request): (&'static str, DeviceRequest),
    ) -> Result<(), Failure> {
        let store = self.acting(person, action, id);
        store.request(person.workspace(), id, request).await?;
        self.wakes.devices.ring();
        Ok(())
    }
}
