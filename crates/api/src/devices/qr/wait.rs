//! Waiting for the code: on the bell of the device, and by looking now and then.

use std::time::Duration;

use postern_domain::DeviceReason;
use postern_store::{CodeKind, Device, ShownCode};
use tokio::time::{Instant, sleep, sleep_until};

use super::super::pair::already_linked;
use crate::Api;
use crate::errors::{ApiError, ErrorCode};

/// How often the store is asked even when nobody rings.
const POLL: Duration = Duration::from_secs(1);

impl Api {
    /// The QR code on show; waits for one where that makes sense.
    pub(super) async fn await_qr(
        &self,
        mut device: Device,
        wait: Option<Duration>,
    ) -> Result<ShownCode, ApiError> {
        let (workspace, id) = (device.workspace, device.id);
        // Before the first look, so that a code shown in between rings.
        let mut shown = self.wakes.shown.listen(id);
        let first_is_coming = device.status.reason == DeviceReason::AwaitingCode || device.pairing.is_some();
        let default_wait = if first_is_coming {
            self.config.qr_wait
        } else {
            Duration::ZERO
        };
        let deadline = Instant::now() + wait.unwrap_or(default_wait);
        loop {
            let code = self.store.shown_code(workspace, id, self.clock.now()).await?;
            match code {
                Some(code) if code.kind == CodeKind::Qr => return Ok(code),
                Some(_) => return Err(paired_by_code()),
                None => why_none_comes(&device)?,
            }
            if Instant::now() >= deadline || self.stop.is_pulled() {
                return Err(not_ready());
            }
            tokio::select! {
                () = shown.rung() => {}
                () = sleep(POLL) => {}
                () = sleep_until(deadline) => {}
                () = self.stop.pulled() => {}
            }
            let again = self.store.device(workspace, id).await?;
            device = again.ok_or_else(|| ApiError::no_such("device"))?;
        }
    }
}

/// # Errors
/// No code will come, and why.
fn why_none_comes(device: &Device) -> Result<(), ApiError> {
    if device.status.reason == DeviceReason::LoggingIn {
        let message = "the code was scanned; the account is logging in for the first time";
        return Err(ApiError::new(ErrorCode::InvalidState, message));
    }
    if device.linked {
        return Err(already_linked(&device.status));
    }
    match device.pairing {
        Some(request) if request.phone.is_some() => Err(paired_by_code()),
        Some(_) => Ok(()),
        None => Err(ApiError::new(
            ErrorCode::InvalidState,
            format!(
                "the device is {} ({}) and no pairing is under way; start one with POST /v1/devices/{}/pair",
                device.status.state, device.status.reason, device.id
            ),
        )),
    }
}

fn paired_by_code() -> ApiError {
    let message = "the device is being paired by a code that is typed in on the phone; there is no QR code";
    ApiError::new(ErrorCode::InvalidState, message)
}

fn not_ready() -> ApiError {
    let message = "pairing is under way and no QR code is on show yet; ask again in a moment";
    ApiError::new(ErrorCode::QrNotReady, message).retry_after(Duration::from_secs(1))
}
