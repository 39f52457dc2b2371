//! Devices, as the API sees them: those with intent `removed` do not exist.

use postern_domain::{DeviceId, Intent, PhoneNumber, Timestamp, WorkspaceId};

use super::records::{Device, PairingRequest, ShownCode};
use super::store::{PairingError, Store};
use super::tables::devices;
use crate::StoreError;

impl Store {
    /// Creates an unlinked device.
    ///
    /// # Errors
    /// The store failed, has no such workspace, or has the id already.
    pub async fn create_device(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        name: String,
        now: Timestamp,
    ) -> Result<Device, StoreError> {
        self.database
            .write(move |tx| {
                devices::insert(tx, workspace, id, &name, now)?;
                devices::find(tx, id)?.ok_or(StoreError::Aborted)
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

    /// Writes what the operator wants; `None` when there is no such device.
    ///
    /// # Errors
    /// The store failed.
    pub async fn set_intent(
        &self,
        workspace: WorkspaceId,
        id: DeviceId,
        intent: Intent,
    ) -> Result<Option<Device>, StoreError> {
        self.database
            .write(move |tx| {
                let Some(mut device) = devices::find_visible(tx, workspace, id)? else {
                    return Ok(None);
                };
                devices::set_intent(tx, id, intent)?;
                device.intent = intent;
                Ok(Some(device))
            })
            .await
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
