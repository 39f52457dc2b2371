//! The yardstick: an actix handler that parses the same JSON and answers the same number of bytes, nothing else.

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::Value;

/// Serves on a free port, which it prints, until it is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("noop listening on http://{}", listener.local_addr()?);
    HttpServer::new(|| App::new().route("/v1/messages", web::post().to(accept)))
        .listen(listener)?
        .run()
        .await?;
    Ok(())
}

async fn accept(_body: web::Json<Value>) -> HttpResponse {
    HttpResponse::Accepted()
        .content_type("application/json")
        .body([b' '; 160].as_slice())
}
