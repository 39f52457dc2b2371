//! From a request to pair to a linked account: which code is shown, and what happens when WhatsApp links the wrong one.

use std::time::Duration;

use postern_domain::DeviceId;
use postern_domain::port::{Observed, Session};
use postern_domain::session::Signal;
use postern_store::{CodeKind, LinkError, PairingRequest, ShownCode, StoreError};
use tokio::time::{Instant, timeout};

use crate::context::{CALL_DEADLINE, Context, Failure};

/// How long a link that must not be may take to log in, so that it can be logged out, before it is given up.
const LOGIN: Duration = Duration::from_secs(30);
/// A pairing code that was entered at the last moment may take this long to become a link.
const ENTERED_LATE: Duration = Duration::from_secs(5);
/// The port promises 10 s for logging out.
const LOG_OUT_DEADLINE: Duration = Duration::from_secs(15);

/// One pairing, as far as it has come.
pub(crate) struct Pairing {
    request: PairingRequest,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The client shows codes.
    Codes,
    /// A pairing code was asked for, and may be used until then once there is one; QR codes are of no interest.
    PairingCodeAsked(Option<Instant>),
    /// The account is recorded.
    Linked,
    /// WhatsApp linked an account that another device has; it is logged out as soon as that is possible, and wiped
    /// at this time in any case.
    Refused(Instant),
}

impl Pairing {
    pub(crate) fn new(request: PairingRequest) -> Self {
        Self {
            request,
            stage: Stage::Codes,
        }
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.stage == Stage::Linked
    }

    /// By when the link must be taken back, if it must be; sooner if the client is connected sooner.
    pub(crate) fn undo_by(&self) -> Option<Instant> {
        match self.stage {
            Stage::Refused(until) => Some(until),
            Stage::Codes | Stage::PairingCodeAsked(_) | Stage::Linked => None,
        }
    }

    /// When the pairing code on show has run out for good.
    pub(crate) fn expires(&self) -> Option<Instant> {
        match self.stage {
            Stage::PairingCodeAsked(until) => until,
            Stage::Codes | Stage::Refused(_) | Stage::Linked => None,
        }
    }

    /// The request that is still to be answered.
    pub(crate) fn unanswered(&self) -> Option<u64> {
        (!self.is_linked()).then_some(self.request.number)
    }

    /// Writes down that it ended without a link.
    pub(crate) async fn end(
        &self,
        context: &Context,
        device: DeviceId,
        signal: Signal,
    ) -> Result<(), StoreError> {
        context.end_pairing(device, self.request.number, signal).await
    }

    /// Whether the operator asked anew. Once linked, the request is gone and nothing is newer.
    pub(crate) fn is_outdated_by(&self, wanted: Option<PairingRequest>) -> bool {
        let waiting = matches!(self.stage, Stage::Codes | Stage::PairingCodeAsked(_));
        waiting && wanted.is_some_and(|wanted| wanted.number > self.request.number)
    }

    /// Follows a report that has to do with pairing; `true` when it ended without a link.
    pub(crate) async fn follow(
        &mut self,
        context: &Context,
        device: DeviceId,
        session: &dyn Session,
        observed: Observed,
    ) -> Result<bool, Failure> {
        match observed {
            Observed::QrCode { code, valid_for } => match (self.request.phone, self.stage) {
                (None, Stage::Codes) => {
                    let expires_at = context.now().after(valid_for);
                    self.show(
                        context,
                        device,
                        ShownCode {
                            kind: CodeKind::Qr,
                            code,
                            expires_at,
                        },
                    )
                    .await?;
                }
                // The first QR code shows that the client is ready to be asked for the other kind.
                (Some(phone), Stage::Codes) => {
                    self.stage = Stage::PairingCodeAsked(None);
                    let asking = session.request_pairing_code(phone);
                    let asked = context.call(CALL_DEADLINE, asking).await;
                    if !matches!(asked, Some(Ok(()))) && !context.stop.is_pulled() {
                        return self.fail(context, device, "WhatsApp gave no pairing code").await;
                    }
                }
                _ => {}
            },
            Observed::PairingCode { code, valid_for } => {
                self.stage = Stage::PairingCodeAsked(Some(Instant::now() + valid_for + ENTERED_LATE));
                let expires_at = context.now().after(valid_for);
                self.show(
                    context,
                    device,
                    ShownCode {
                        kind: CodeKind::PairingCode,
                        code,
                        expires_at,
                    },
                )
                .await?;
            }
            Observed::Paired { account } => {
                match context.store.link_account(device, account, context.now()).await {
                    Ok(()) => {
                        self.stage = Stage::Linked;
                        context.wakes.shown.ring(&device);
                        context.wakes.events.ring();
                    }
                    Err(LinkError::AccountTaken(other)) => {
                        tracing::warn!(device.id = %device, other.id = %other, "the account is linked to another device");
                        self.stage = Stage::Refused(Instant::now() + LOGIN);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Observed::PairingFailed { why } => return self.fail(context, device, &why).await,
            _ => {}
        }
        Ok(false)
    }

    /// Takes back a link that must not be: at WhatsApp, in the key store, in the device's row.
    pub(crate) async fn undo(
        &self,
        context: &Context,
        device: DeviceId,
        session: &dyn Session,
    ) -> Result<(), Failure> {
        // Also when everything is to stop: this is the last chance.
        let told = timeout(LOG_OUT_DEADLINE, session.log_out()).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!(device.id = %device, "WhatsApp could not be told to remove the link; remove it on the phone");
        }
        context.close(device, session).await;
        context.keys.wipe(device).await?;
        self.end(context, device, Signal::AccountInUse).await?;
        Ok(())
    }

    async fn show(&self, context: &Context, device: DeviceId, code: ShownCode) -> Result<(), Failure> {
        let number = self.request.number;
        let shown = context.store.show_code(device, number, code, context.now());
        shown.await?;
        context.wakes.shown.ring(&device);
        context.wakes.events.ring();
        Ok(())
    }

    async fn fail(&self, context: &Context, device: DeviceId, why: &str) -> Result<bool, Failure> {
        tracing::warn!(device.id = %device, reason = why, "pairing failed");
        self.end(context, device, Signal::PairingFailed).await?;
        Ok(true)
    }
}
