//! `POST /v1/messages`: the one promise everything else is built for.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use postern_domain::{DeviceId, MessageId, WorkspaceId};
use postern_store::{AcceptError, Accepted, IdempotencyKey};

use super::AcceptedMessage;
use super::answer::{answered, conflict, disconnected, replayed, used_up};
use super::fingerprint;
use super::request::{Checked, IfDisconnected, SendMessage};
use crate::auth::deactivated;
use crate::errors::ApiError;
use crate::extract::{IdempotencyHeader, Json};
use crate::texts;
use crate::{Api, Caller};

/// The scope of idempotency keys of this route.
const ENDPOINT: &str = "POST /v1/messages";

/// Send a message
///
/// `202` means that the message is stored durably and will be sent, even if the gateway is killed the next
/// moment. Follow it with `GET /v1/messages/{id}`.
///
/// Send an `Idempotency-Key` (for example your order's id) with every message that must not go out twice, and
/// retry freely with the same key and body: the first acceptance is answered again, byte for byte, with
/// `Idempotency-Replayed: true`. Two bodies are the same when they mean the same; whitespace, the order of
/// keys and a left-out default make no difference. Only acceptances are remembered, for at least 24 hours;
/// errors and dry runs are not.
#[utoipa::path(
    post, path = "/v1/messages", tag = "Messages", operation_id = "sendMessage",
    params((
        "Idempotency-Key" = Option<texts::IdempotencyKey>, Header,
        description = "1 to 255 printable ASCII characters. Valid for your workspace, whichever API key is used.",
        example = "order-1234-shipped",
    )),
    request_body = SendMessage,
    responses(
        (status = 202, description = "Stored; it will be sent.", body = AcceptedMessage, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this acceptance was answered before.")
        )),
        (status = 200, description = "A dry run that would have been accepted: `id` is `null`, `status` is `valid`.",
            body = AcceptedMessage),
    ),
)]
pub(crate) async fn send(
    api: web::Data<Api>,
    caller: Caller,
    IdempotencyHeader(key): IdempotencyHeader,
    Json(request): Json<SendMessage>,
) -> Result<HttpResponse, ApiError> {
    let dry_run = request.is_dry_run();
    let request = request.check()?;
    if dry_run {
        return api.rehearse(caller.workspace, &request).await;
    }
    api.accept(caller.workspace, key, request).await
}

impl Api {
    async fn accept(
        &self,
        workspace: WorkspaceId,
        key: Option<String>,
        request: Checked,
    ) -> Result<HttpResponse, ApiError> {
        let (id, device) = (MessageId::generate(), request.device);
        let answer = AcceptedMessage::new(Some(id), device, request.to.to_string(), request.send_at);
        // Written before the commit and stored with it: this is what a replay answers.
        let body = serde_json::to_vec(&answer).map_err(ApiError::internal)?;
        let idempotency = key.map(|key| IdempotencyKey {
            endpoint: ENDPOINT,
            key,
            fingerprint: fingerprint::of(ENDPOINT, &request),
            http_status: StatusCode::ACCEPTED.as_u16(),
            body: body.clone(),
        });
        let now = self.clock.now();
        let too_late = request.check_time(now).err().map(ApiError::from);
        let mut message = request.into_message(id, workspace);
        if let Some(too_late) = too_late {
            // It may be the retry of a message that was accepted in time. The store looks for that before
            // anything else, so it is asked to accept the message for a device that cannot exist.
            message.device = DeviceId::from_bytes([0; 16]);
            return match self.store.accept(message, idempotency, now).await {
                Ok(Accepted::Replayed { http_status, body }) => replayed(http_status, body),
                Ok(Accepted::New)
                | Err(
                    AcceptError::UnknownDevice
                    | AcceptError::SessionDisconnected(_)
                    | AcceptError::QuotaExceeded(_),
                ) => Err(too_late),
                Err(error) => Err(refused(error, device)),
            };
        }
        match self.store.accept(message, idempotency, now).await {
            Ok(Accepted::New) => {
                self.wakes.outbox.ring(&device);
                self.wakes.events.ring();
                Ok(answered(StatusCode::ACCEPTED, body))
            }
            Ok(Accepted::Replayed { http_status, body }) => replayed(http_status, body),
            Err(error) => Err(refused(error, device)),
        }
    }

    /// A dry run: what `accept` would check, without storing anything.
    async fn rehearse(&self, workspace: WorkspaceId, request: &Checked) -> Result<HttpResponse, ApiError> {
        let now = self.clock.now();
        request.check_time(now)?;
        let device = self.store.device(workspace, request.device).await?;
        let status = device.ok_or_else(|| ApiError::no_such("device"))?.status;
        if !status.state.accepts_messages() && request.if_disconnected == IfDisconnected::Reject {
            return Err(disconnected(&status, request.device));
        }
        if let Some(exceeded) = self.store.quota_exceeded(workspace, now).await? {
            return Err(used_up(&exceeded));
        }
        let to = request.to.to_string();
        let answer = AcceptedMessage::new(None, request.device, to, request.send_at);
        Ok(HttpResponse::Ok().json(answer))
    }
}

fn refused(error: AcceptError, device: DeviceId) -> ApiError {
    match error {
        AcceptError::IdempotencyConflict => conflict(),
        AcceptError::UnknownDevice => ApiError::no_such("device"),
        AcceptError::SessionDisconnected(status) => disconnected(&status, device),
        AcceptError::QuotaExceeded(exceeded) => used_up(&exceeded),
        AcceptError::Deactivated(reason) => deactivated(&reason),
        AcceptError::Store(error) => error.into(),
    }
}
