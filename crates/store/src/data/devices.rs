//! Devices, as the API sees them: those with intent `removed` do not exist.

use postern_domain::{DeviceId, Intent, PhoneNumber, Timestamp, WorkspaceId};

use super::records::{Device, DeviceChange, DeviceRequest, PairingRequest, ShownCode};
use super::store::{PairingError, RequestError, Store};
use super::tables::{devices, workspaces};
use rusqlite::Connection;

use crate::StoreError;

/// A device was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateDeviceError {
    /// The workspace has as many as it may.
    #[error("the workspace has its {limit} devices already")]
    QuotaExceeded {
        /// How many it may have.
        limit: u32,
    },
    /// The store failed, has no such workspace, or has the id already.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Creates an unlinked device.
    ///
    /// # Errors
    /// See [`CreateDeviceError`].
    pub async fn create_device(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        name: String,
        now: Timestamp,
    ) -> Result<Device, CreateDeviceError> {
        self.database
            .write(move |tx| {
                let limit = workspaces::find(tx, workspace)?.and_then(|workspace| workspace.device_limit);
                if let Some(limit) = limit
                    && devices::count(tx, workspace)? >= limit
                {
                    return Err(CreateDeviceError::QuotaExceeded { limit });
                }
                devices::insert(tx, workspace, id, &name, now)?;
                Ok(devices::find(tx, id)?.ok_or(StoreError::Aborted)?)
            })
            .await
    }

    /// One device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn device(&self, workspace: WorkspaceId, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.database
            .read(move |connection| devices::find_visible(connection, workspace, id))
            .await
    }

    /// Newest first, those before `after` in that order left out. Answers where the next page starts, too.
    ///
    /// # Errors
    /// The store failed.
    pub async fn devices(
        &self,
        workspace: WorkspaceId,
        limit: usize,
        after: Option<DeviceId>,
    ) -> Result<(Vec<Device>, Option<DeviceId>), StoreError> {
        self.database
            .read(move |connection| {
                let mut page = devices::list(connection, workspace, limit.saturating_add(1), after)?;
                let more = page.len() > limit;
                page.truncate(limit);
                let next = page.last().filter(|_| more).map(|device| device.id);
                Ok((page, next))
            })
            .await
    }

    /// Writes down what an operator asks of a device; the session follows. Answers the device as it is now.
    ///
    /// A pause, a resume or a logout that is under way already changes nothing.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn request(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        request: DeviceRequest,
    ) -> Result<Device, RequestError> {
        self.database
            .write(move |tx| {
                let device = devices::find_visible(tx, workspace, id)?.ok_or(RequestError::UnknownDevice)?;
                write_request(tx, device, request)?;
                devices::find(tx, id)?.ok_or(RequestError::UnknownDevice)
            })
            .await
    }

    /// Changes what a device is called and how fast it may send; `None` when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn change_device(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        change: DeviceChange,
    ) -> Result<Option<Device>, StoreError> {
        let work = move |tx: &Connection| {
            if devices::find_visible(tx, workspace, id)?.is_none() {
                return Ok(None);
            }
            if let Some(name) = &change.name {
                devices::set_name(tx, id, name)?;
            }
            if let Some(pacing) = change.pacing {
                devices::set_pacing(tx, id, pacing)?;
            }
            devices::find(tx, id)
        };
        self.database.write_when(work, Option::is_some).await
    }

    /// Asks for pairing; sets the intent to `linked`. A request while one is being served starts it anew.
    ///
    /// # Errors
    /// See [`PairingError`].
    pub async fn request_pairing(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        phone: Option<PhoneNumber>,
    ) -> Result<PairingRequest, PairingError> {
        self.database
            .write(move |tx| {
                let device = devices::find_visible(tx, workspace, id)?.ok_or(PairingError::UnknownDevice)?;
                if device.linked {
                    return Err(PairingError::AlreadyLinked(device.status));
                }
                let number = devices::request_pairing(tx, id, phone)?;
                Ok(PairingRequest { number, phone })
            })
            .await
    }

    /// The code on show that is valid at `now`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn shown_code(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        now: Timestamp,
    ) -> Result<Option<ShownCode>, StoreError> {
        self.database
            .read(move |connection| devices::shown_code(connection, workspace, id, now))
            .await
    }
}

fn write_request(tx: &Connection, device: Device, request: DeviceRequest) -> Result<(), RequestError> {
    let id = device.id;
    match (request, device.intent) {
        (DeviceRequest::Remove { purge }, _) => {
            devices::set_intent(tx, id, Intent::Removed)?;
            if purge {
                devices::set_purge(tx, id)?;
            }
        }
        (DeviceRequest::LogOut, Intent::Unlinked) if device.linked => {}
        (DeviceRequest::LogOut, _) if device.linked || device.pairing.is_some() => {
            devices::set_intent(tx, id, Intent::Unlinked)?;
        }
        (DeviceRequest::Reconnect, Intent::Linked) if device.linked => devices::request_reconnect(tx, id)?,
        (DeviceRequest::LogOut | DeviceRequest::Reconnect, _) => {
            return Err(RequestError::InvalidState(Box::new(device)));
        }
        (DeviceRequest::Pause, Intent::Linked) => devices::set_intent(tx, id, Intent::Paused)?,
        (DeviceRequest::Resume, Intent::Paused) => {
            devices::set_intent(tx, id, Intent::Linked)?;
            if device.linked {
                // However short the pause was, the session shall notice.
                devices::request_reconnect(tx, id)?;
            }
        }
        (DeviceRequest::Pause | DeviceRequest::Resume, _) => {}
    }
    Ok(())
}
