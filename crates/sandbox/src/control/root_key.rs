//! `GET /root-key`: for clients that can be told which root to trust.

use actix_web::web::{Data, Json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::network::Network;

#[derive(Serialize)]
pub(super) struct RootKey {
    /// The 32 bytes of the Curve25519 key that XEdDSA signatures are verified with.
    hex: String,
    base64: String,
}

pub(super) async fn show(network: Data<Network>) -> Json<RootKey> {
    let key = network.root_key();
    Json(RootKey {
        hex: hex::encode(key),
        base64: BASE64_STANDARD.encode(key),
    })
}
