//! Styles and scripts, compiled into the binary: nothing is fetched from elsewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use sha2::{Digest as _, Sha256};

use crate::answer::Answer;
use crate::failure::Failure;

struct Asset {
    name: &'static str,
    kind: &'static str,
    body: &'static str,
}

const ASSETS: [Asset; 5] = [
    Asset {
        name: "dashboard.css",
        kind: "text/css; charset=utf-8",
        body: include_str!("assets/dashboard.css"),
    },
    Asset {
        name: "dashboard.js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("assets/dashboard.js"),
    },
    Asset {
        name: "htmx.js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("assets/htmx.min.js"),
    },
    Asset {
        name: "sse.js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("assets/sse.min.js"),
    },
    Asset {
        name: "icon.svg",
        kind: "image/svg+xml",
        body: include_str!("assets/icon.svg"),
    },
];

/// Changes with any of them, so that browsers may keep them for ever.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in &ASSETS {
        hash.update(asset.body);
    }
    let mut version = String::with_capacity(16);
    for byte in &hash.finalize()[..8] {
        // Writing into a string does not fail.
        write!(version, "{byte:02x}").unwrap_or_default();
    }
    version
});

/// The path of an asset.
pub(crate) fn path(name: &str) -> String {
    format!("/assets/{name}?{}", *VERSION)
}

/// `GET /assets/{name}`
pub(crate) async fn get(name: web::Path<String>) -> Answer {
    let asset = ASSETS.iter().find(|asset| asset.name == name.as_str());
    let asset = asset.ok_or(Failure::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .body(asset.body))
}
