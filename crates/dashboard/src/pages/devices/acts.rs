//! What is done to a device: each form writes what is wanted and rings; the session follows.

use actix_web::web;
use postern_domain::DeviceId;
use postern_store::{DeviceChange, DeviceRequest};

use super::create::check_name;
use super::device_id;
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;

/// `POST /devices/{id}/pause`
pub(crate) async fn pause(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = device_id(&id)?;
    dashboard
        .ask(&person, id, "device.pause", DeviceRequest::Pause)
        .await?;
    see(format!("/devices/{id}?done=paused"))
}

/// `POST /devices/{id}/resume`
pub(crate) async fn resume(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = device_id(&id)?;
    dashboard
        .ask(&person, id, "device.resume", DeviceRequest::Resume)
        .await?;
    see(format!("/devices/{id}?done=resumed"))
}

/// `POST /devices/{id}/reconnect`
pub(crate) async fn reconnect(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = device_id(&id)?;
    dashboard
        .ask(&person, id, "device.reconnect", DeviceRequest::Reconnect)
        .await?;
    see(format!("/devices/{id}?done=reconnecting"))
}

/// `POST /devices/{id}/logout`
pub(crate) async fn log_out(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
) -> Answer {
    let id = device_id(&id)?;
    dashboard
        .ask(&person, id, "device.logout", DeviceRequest::LogOut)
        .await?;
    see(format!("/devices/{id}?done=logged-out"))
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
        .ask(&person, id, action, DeviceRequest::Remove { purge })
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
    let name = fields.get("name").to_owned();
    check_name(&name).map_err(|why| Failure::Refused(sentence(&format!("the name {why}"))))?;
    let change = DeviceChange {
        name: Some(name),
        ..DeviceChange::default()
    };
    dashboard.device(person.workspace(), id).await?;
    let store = dashboard.acting(&person.operator, "device.rename", id);
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
    let store = dashboard.acting(&person.operator, "device.release_parked", id);
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
    let store = dashboard.acting(&person.operator, "device.cancel_parked", id);
    store
        .cancel_parked(person.workspace(), id, dashboard.clock.now())
        .await?;
    dashboard.wakes.events.ring();
    see(format!("/devices/{id}?done=discarded"))
}

impl Dashboard {
    async fn ask(
        &self,
        person: &Person,
        id: DeviceId,
        action: &'static str,
        request: DeviceRequest,
    ) -> Result<(), Failure> {
        let store = self.acting(&person.operator, action, id);
        store.request(person.workspace(), id, request).await?;
        self.wakes.devices.ring();
        Ok(())
    }
}
