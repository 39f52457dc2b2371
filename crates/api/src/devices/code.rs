//! Waiting for the code on show, of either kind: on the bell of the device, and by looking now and then.

use std::time::Duration;

use postern_domain::DeviceReason;
use postern_store::{CodeKind, Device, PairingRequest, ShownCode};
use tokio::time::{Instant, sleep, sleep_until};

use super::pair::already_linked;
use crate::Api;
use crate::errors::{ApiError, ErrorCode};

/// How long a caller may wait, in seconds.
pub(super) const MAX_WAIT: u32 = 60;
/// How often the store is asked even when nobody rings.
const POLL: Duration = Duration::from_secs(1);

impl Api {
    /// The code on show; waits for one where that makes sense.
    pub(super) async fn await_code(
        &self,
        mut device: Device,
        kind: CodeKind,
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
                Some(code) if code.kind == kind => return Ok(code),
                Some(_) => return Err(paired_otherwise(kind)),
                None => why_none_comes(&device, kind)?,
            }
            if Instant::now() >= deadline || self.stop.is_pulled() {
                return Err(not_ready(kind));
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
fn why_none_comes(device: &Device, kind: CodeKind) -> Result<(), ApiError> {
    if device.status.reason == DeviceReason::LoggingIn {
        let message = "the phone accepted; the account is logging in for the first time";
        return Err(ApiError::new(ErrorCode::InvalidState, message));
    }
    if device.linked {
        return Err(already_linked(&device.status));
    }
    match device.pairing {
        Some(request) if kind_of(request) != kind => Err(paired_otherwise(kind)),
        Some(_) => Ok(()),
        None => Err(ApiError::new(
            ErrorCode::InvalidState,
            format!(
                "the device is {} ({}) and no pairing is under way; start one with POST /v1/devices/{}/{}",
                device.status.state,
                device.status.reason,
                device.id,
                match kind {
                    CodeKind::Qr => "pair",
                    CodeKind::PairingCode => "pairing-code",
                }
            ),
        )),
    }
}

/// The code that answers a request.
fn kind_of(request: PairingRequest) -> CodeKind {
    match request.phone {
        None => CodeKind::Qr,
        Some(_) => CodeKind::PairingCode,
    }
}

fn paired_otherwise(wanted: CodeKind) -> ApiError {
    let message = match wanted {
        CodeKind::Qr => {
            "the device is being paired by a code that is typed in on the phone; there is no QR code"
        }
        CodeKind::PairingCode => "the device is being paired by QR code; there is no pairing code",
    };
    ApiError::new(ErrorCode::InvalidState, message)
}

fn not_ready(kind: CodeKind) -> ApiError {
    let (code, message) = match kind {
        CodeKind::Qr => (
            ErrorCode::QrNotReady,
            "pairing is under way and no QR code is on show yet; ask again in a moment",
        ),
        CodeKind::PairingCode => (
            ErrorCode::PairingCodeNotReady,
            "pairing is under way and WhatsApp has not answered with a code yet; ask again in a moment",
        ),
    };
    ApiError::new(code, message).retry_after(Duration::from_secs(1))
}
