//! Ids in a path, and the entities they name.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use postern_domain::{ApiKeyId, BatchId, DeviceId, EventId, MessageId, ReplayId, WebhookId, WorkspaceId};
use postern_store::{Device, Webhook};

use crate::errors::ApiError;
use crate::{Api, Caller};

/// What an id in a path may name.
pub(crate) trait PathEntity: FromStr + 'static {
    /// What it is called in an error.
    const NAME: &'static str;

    /// What is answered when it names nothing.
    fn unknown() -> ApiError {
        ApiError::no_such(Self::NAME)
    }
}

impl PathEntity for DeviceId {
    const NAME: &'static str = "device";
}

impl PathEntity for MessageId {
    const NAME: &'static str = "message";
}

impl PathEntity for BatchId {
    const NAME: &'static str = "batch";
}

impl PathEntity for ApiKeyId {
    const NAME: &'static str = "API key";
}

impl PathEntity for WorkspaceId {
    const NAME: &'static str = "workspace";

    fn unknown() -> ApiError {
        ApiError::no_such_workspace()
    }
}

impl PathEntity for EventId {
    const NAME: &'static str = "event";
}

impl PathEntity for WebhookId {
    const NAME: &'static str = "webhook";
}

/// The `{id}` of the path. What is not an id names nothing: it is not found, like an unknown one.
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: PathEntity> FromRequest for PathId<T> {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|id| id.parse().ok());
        ready(id.map(Self).ok_or_else(T::unknown))
    }
}

/// The device the path names; it belongs to the caller's workspace.
pub(crate) struct OwnedDevice(pub(crate) Device);

impl FromRequest for OwnedDevice {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>().cloned();
        let caller = Caller::from_request(request, payload).into_inner();
        let id = PathId::<DeviceId>::from_request(request, payload).into_inner();
        Box::pin(async move {
            let (caller, PathId(id)) = (caller?, id?);
            let api = api.ok_or_else(|| ApiError::internal("the API's state is not registered"))?;
            let device = api.store.device(caller.workspace, id).await?;
            device.map(Self).ok_or_else(|| ApiError::no_such("device"))
        })
    }
}

/// The endpoint the path names; it belongs to the caller's workspace.
pub(crate) struct OwnedWebhook(pub(crate) Webhook);

impl FromRequest for OwnedWebhook {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = request.app_data::<web::Data<Api>>().cloned();
        let caller = Caller::from_request(request, payload).into_inner();
        let id = PathId::<WebhookId>::from_request(request, payload).into_inner();
        Box::pin(async move {
            let (caller, PathId(id)) = (caller?, id?);
            let api = api.ok_or_else(|| ApiError::internal("the API's state is not registered"))?;
            let webhook = api.store.webhook(caller.workspace, id).await?;
            webhook.map(Self).ok_or_else(|| ApiError::no_such("webhook"))
        })
    }
}

/// The `{id}` and the `{replayId}` of the path.
pub(crate) struct ReplayPath {
    pub(crate) webhook: WebhookId,
    pub(crate) replay: ReplayId,
}

impl FromRequest for ReplayPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let named = request.match_info();
        let webhook = named.get("id").and_then(|id| id.parse().ok());
        let replay = named.get("replayId").and_then(|id| id.parse().ok());
        let path = webhook
            .zip(replay)
            .map(|(webhook, replay)| Self { webhook, replay });
        ready(path.ok_or_else(|| ApiError::no_such("replay")))
    }
}
