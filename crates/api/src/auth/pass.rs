//! A pass: what keeps an answer going that does not end, for as long as its caller would be let in again.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use postern_domain::Scope;

use super::{SEND_A_KEY, admit, admit_from, unauthorized};
use crate::Api;
use crate::errors::ApiError;

/// The key a request came with, from where, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass {
    pub(super) hash: [u8; 32],
    pub(super) scope: Scope,
    pub(super) address: Option<IpAddr>,
}

impl Api {
    /// Whether the holder of a pass would be let in now. Costs a look-up in memory, mostly.
    ///
    /// # Errors
    /// What they would be answered: the key was revoked, has expired or lost its scope, or its workspace was deactivated; or
    /// the store failed.
    pub(crate) async fn still_admits(&self, pass: &Pass) -> Result<(), ApiError> {
        let now = self.clock.now();
        let key = self.valid_key(pass.hash, now).await?;
        admit_from(&key, pass.address)?;
        admit(&key, pass.scope)
    }
}

impl FromRequest for Pass {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let pass = request.extensions().get().copied();
        ready(pass.ok_or_else(|| unauthorized(SEND_A_KEY)))
    }
}
