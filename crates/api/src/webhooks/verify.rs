//! Whether an endpoint is its registrant's: it has to echo the token of a challenge.

use std::time::Duration;

use postern_domain::webhook::{WebhookChecks, WebhookTarget};
use postern_domain::{DeviceId, Timestamp, WorkspaceId};

use crate::errors::{ApiError, ErrorCode};
use crate::places::Place;
use crate::{Api, Caller};

impl Api {
    /// Challenges an endpoint; answers when it passed.
    ///
    /// # Errors
    /// It did not; the field `url` says what it did and how to answer.
    pub(super) async fn challenge(
        &self,
        workspace: WorkspaceId,
        target: &WebhookTarget,
    ) -> Result<Timestamp, ApiError> {
        let _place = self.probing(workspace)?;
        let outcome = self.probe.challenge(target).await;
        match outcome.refusal() {
            None => Ok(self.clock.now()),
            Some(why) => Err(ApiError::field("url", why)),
        }
    }

    /// Checks that the chosen devices are the caller's.
    ///
    /// # Errors
    /// One of them is not.
    pub(super) async fn check_devices(
        &self,
        caller: Caller,
        devices: Option<&[DeviceId]>,
    ) -> Result<(), ApiError> {
        let Some(devices) = devices else {
            return Ok(());
        };
        let chosen = devices.to_vec();
        let unknown = self.store.unknown_devices(caller.workspace, chosen).await?;
        let mut checks = WebhookChecks::default();
        checks.known_devices(devices, &unknown);
        Ok(checks.done()?)
    }

    /// The place to wait for an endpoint.
    ///
    /// # Errors
    /// Too many are waited for already.
    pub(super) fn probing(&self, workspace: WorkspaceId) -> Result<Place, ApiError> {
        self.probing.take(workspace).ok_or_else(|| {
            let message = "too many webhook endpoints are being tried at once; ask again in a moment";
            ApiError::new(ErrorCode::Overloaded, message).retry_after(Duration::from_secs(1))
        })
    }
}
