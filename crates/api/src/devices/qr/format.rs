//! What a QR code is drawn as: by extension, or by what `Accept` prefers.

use actix_web::http::header::{self, HeaderMap};

/// What a QR code is drawn as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Svg,
    Terminal,
    Json,
}

impl Format {
    /// The format of `qr.<extension>`.
    pub(super) fn by_extension(extension: &str) -> Option<Self> {
        match extension {
            "png" => Some(Self::Png),
            "svg" => Some(Self::Svg),
            "txt" => Some(Self::Terminal),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// The first of the caller's preferences that can be had; PNG when there is none.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let mut preferred: Vec<(f32, Self)> = headers
            .get_all(header::ACCEPT)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(preference)
            .collect();
        preferred.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        preferred.first().map_or(Self::Png, |(_, format)| *format)
    }

    /// What the answer is declared as.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Svg => "image/svg+xml",
            Self::Terminal => "text/plain; charset=utf-8",
            Self::Json => "application/json",
        }
    }
}

fn preference(range: &str) -> Option<(f32, Format)> {
    let mut parts = range.split(';').map(str::trim);
    let format = match parts.next()?.to_ascii_lowercase().as_str() {
        "image/png" | "image/*" | "*/*" => Format::Png,
        "image/svg+xml" => Format::Svg,
        "text/plain" | "text/*" => Format::Terminal,
        "application/json" => Format::Json,
        _ => return None,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    let quality = quality.unwrap_or(1.0);
    (quality > 0.0).then_some((quality, format))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_most_wanted_known_format_wins() {
        for (accept, format) in [
            ("*/*", Format::Png),
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
                Format::Png,
            ),
            ("image/svg+xml", Format::Svg),
            ("text/plain", Format::Terminal),
            ("application/json, text/plain, */*", Format::Json),
            ("application/json;q=0.5, Image/SVG+XML;q=0.9", Format::Svg),
            ("image/png;q=0, text/plain;q=0.1", Format::Terminal),
            ("video/mp4", Format::Png),
            (";;;,,q=", Format::Png),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Png);
    }
}
