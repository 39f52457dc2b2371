//! Writing down what an operator asks of a device, and saying why it makes no sense.

use actix_web::HttpResponse;
use postern_domain::{DeviceId, Intent};
use postern_store::{DeviceRequest, RequestError};

use super::Device;
use crate::errors::{ApiError, ErrorCode};
use crate::{Api, Caller};

impl Api {
    /// Stores the request, wakes those who serve it, and answers the device with 202: its state follows.
    pub(super) async fn ask(
        &self,
        caller: Caller,
        id: DeviceId,
        request: DeviceRequest,
    ) -> Result<HttpResponse, ApiError> {
        let store = self.acting(caller, action(request), id);
        let asked = store.request(caller.workspace, id, request).await;
        let device = asked.map_err(|error| refused(error, request))?;
        self.wakes.devices.ring();
        Ok(HttpResponse::Accepted().json(Device::from(device)))
    }
}

fn action(request: DeviceRequest) -> &'static str {
    match request {
        DeviceRequest::Pause => "device.pause",
        DeviceRequest::Resume => "device.resume",
        DeviceRequest::Reconnect => "device.reconnect",
        DeviceRequest::LogOut => "device.logout",
        DeviceRequest::Remove { purge: false } => "device.remove",
        DeviceRequest::Remove { purge: true } => "device.purge",
    }
}

fn refused(error: RequestError, request: DeviceRequest) -> ApiError {
    match error {
        RequestError::UnknownDevice => ApiError::no_such("device"),
        RequestError::InvalidState(device) => {
            ApiError::new(ErrorCode::InvalidState, why_not(&device, request))
        }
        RequestError::Store(error) => error.into(),
    }
}

fn why_not(device: &postern_store::Device, request: DeviceRequest) -> String {
    let (id, state, reason) = (device.id, device.status.state, device.status.reason);
    if device.linked && device.intent == Intent::Paused && request == DeviceRequest::Reconnect {
        return format!("the device is paused; resume it with POST /v1/devices/{id}/resume");
    }
    if device.linked && device.intent == Intent::Unlinked {
        return "the device is being logged out".to_owned();
    }
    format!(
        "the device is {state} ({reason}) and linked to no account; pair it with POST /v1/devices/{id}/pair"
    )
}
