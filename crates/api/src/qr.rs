//! QR codes as pictures: PNG, SVG, and text for a terminal, all dark on light with a quiet zone.

use std::io::Cursor;
use std::ops::RangeInclusive;

use image::{ImageFormat, Luma};
use qrcode::render::{svg, unicode};
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

/// The edge lengths that can be asked for, in pixels.
pub const SIZES: RangeInclusive<u32> = 128..=1024;
/// The edge length of a picture unless told, in pixels.
pub const DEFAULT_SIZE: u32 = 512;

/// Black on white whatever the terminal's theme is: many phones do not read an inverted code.
const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";
const RESET: &str = "\u{1b}[0m";

/// A text as a QR code, ready to be drawn.
pub struct Drawing(QrCode);

/// A QR code could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The text does not fit into a QR code.
    #[error("the text cannot be made a QR code: {0}")]
    Code(#[from] QrError),
    /// The picture could not be encoded.
    #[error("the QR code cannot be encoded as PNG: {0}")]
    Png(#[from] image::ImageError),
}

impl Drawing {
    /// Lays out `text` with the lowest error correction, as WhatsApp Web does: codes on screens are not torn, and
    /// fewer modules are read from farther away.
    ///
    /// # Errors
    /// The text does not fit into a QR code (2 953 bytes).
    pub fn of(text: &str) -> Result<Self, DrawError> {
        Ok(Self(QrCode::with_error_correction_level(text, EcLevel::L)?))
    }

    /// A greyscale PNG with an edge of at most `size` pixels.
    ///
    /// The edge is the largest multiple of the number of modules that fits, so that modules stay sharp; it is
    /// longer only when one pixel a module is too much already.
    ///
    /// # Errors
    /// The picture cannot be encoded.
    pub fn png(&self, size: u32) -> Result<Vec<u8>, DrawError> {
        let picture = self.0.render::<Luma<u8>>().max_dimensions(size, size).build();
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }

    /// An SVG document whose `viewBox` is `size` at most, like [`Self::png`].
    #[must_use]
    pub fn svg(&self, size: u32) -> String {
        self.0
            .render::<svg::Color<'_>>()
            .max_dimensions(size, size)
            .build()
    }

    /// Lines of half blocks, two rows of modules in each, black on white by ANSI colours.
    #[must_use]
    pub fn terminal(&self) -> String {
        let blocks = self.0.render::<unicode::Dense1x2>().quiet_zone(true).build();
        let mut text = String::with_capacity(blocks.len() * 2);
        for line in blocks.lines() {
            text.push_str(BLACK_ON_WHITE);
            text.push_str(line);
            text.push_str(RESET);
            text.push('\n');
        }
        text
    }
}

/// `text` as a QR code for a terminal; see [`Drawing::terminal`].
///
/// # Errors
/// The text does not fit into a QR code.
pub fn terminal(text: &str) -> Result<String, DrawError> {
    Ok(Drawing::of(text)?.terminal())
}
