//! The HTTP API that plays the people and breaks things.

mod contacts;
mod error;
mod fault_request;
mod faults;
mod groups;
mod linking;
mod phones;
mod request;
mod root_key;

use actix_web::web::{self, ServiceConfig};

use error::ControlError;

pub(crate) const ROOT: &str = "/sandbox/v1";

pub(crate) fn routes(config: &mut ServiceConfig) {
    let scope = web::scope(ROOT)
        .route("/root-key", web::get().to(root_key::show))
        .route("/phones/{phone}", web::get().to(phones::show))
        .route("/phones/{phone}", web::put().to(phones::change))
        .route("/phones/{phone}/scan", web::post().to(linking::scan))
        .route("/phones/{phone}/enter-code", web::post().to(linking::enter_code))
        .route(
            "/phones/{phone}/expire-code",
            web::post().to(linking::expire_code),
        )
        .route("/phones/{phone}/unlink", web::post().to(phones::unlink))
        .route("/contacts/{phone}", web::get().to(contacts::show))
        .route("/contacts/{phone}", web::put().to(contacts::change))
        .route("/contacts/{phone}/messages", web::get().to(contacts::messages))
        .route("/contacts/{phone}/messages", web::post().to(contacts::write))
        .route(
            "/contacts/{phone}/forget-session",
            web::post().to(contacts::forget_session),
        )
        .route("/groups", web::post().to(groups::create))
        .route("/groups/{group}", web::get().to(groups::show))
        .route("/faults", web::get().to(faults::list))
        .route("/faults", web::post().to(faults::inject))
        .route("/faults", web::delete().to(faults::clear))
        .default_service(web::to(nothing_here));
    config
        .app_data(request::body_limit())
        .app_data(request::query_errors())
        .service(scope);
}

async fn nothing_here() -> Result<&'static str, ControlError> {
    Err(ControlError::NotFound("no such resource"))
}
