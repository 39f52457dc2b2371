//! A QR code as SVG that needs no style: dark on light whatever the theme, with its quiet zone.

use std::fmt::Write as _;

use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

use crate::failure::Failure;

/// Modules left light around a code, as its standard asks.
const QUIET: usize = 4;

/// Draws `text`, with the lowest error correction as WhatsApp Web does: codes on screens are not torn.
pub(crate) fn svg(text: &str) -> Result<Markup, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L);
    let code = code.map_err(|error| Failure::Internal(format!("no QR code: {error}")))?;
    let width = code.width();
    let edge = width + 2 * QUIET;
    Ok(html! {
        svg class="qr" viewBox={ "0 0 " (edge) " " (edge) } shape-rendering="crispEdges" role="img"
            aria-label="QR code to scan with WhatsApp on the phone" {
            rect width=(edge) height=(edge) fill="#fff" {}
            path fill="#000" d=(dark(&code.to_colors(), width)) {}
        }
    })
}

/// The dark modules of each row, runs of them at once.
fn dark(modules: &[Color], width: usize) -> String {
    let mut path = String::new();
    for (row, modules) in modules.chunks(width.max(1)).enumerate() {
        let mut column = 0;
        for run in modules.chunk_by(|one, next| one == next) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, length) = (column + QUIET, row + QUIET, run.len());
                // Writing into a string does not fail.
                write!(path, "M{x} {y}h{length}v1h-{length}z").unwrap_or_default();
            }
            column += run.len();
        }
    }
    path
}
