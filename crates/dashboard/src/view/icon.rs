//! Icons: drawn with lines in the colour of the text beside them, which says what they mean.

use maud::{Markup, html};

/// An icon by what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    Activity,
    Alert,
    Arrow,
    Ban,
    Check,
    Checks,
    Clock,
    Code,
    Copy,
    Cross,
    Device,
    Edit,
    Gauge,
    Home,
    Hook,
    In,
    Key,
    LogOut,
    Message,
    Minus,
    More,
    Out,
    Pause,
    People,
    Phone,
    Play,
    Plus,
    Qr,
    Refresh,
    Search,
    Send,
    Settings,
    Trash,
    Unlink,
    Workspace,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Activity => "M3 12h4l3 8 4-16 3 8h4",
            Self::Alert => {
                "M12 9v4m0 4h.01M10.3 3.9 2.4 17.5A2 2 0 0 0 4.1 20.5h15.8a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0Z"
            }
            Self::Arrow => "M5 12h14m-6-6 6 6-6 6",
            Self::Ban => "M5.6 5.6l12.8 12.8M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
            Self::Check => "M5 12.5l4.5 4.5L19 7.5",
            Self::Checks => "M2 12.5l4.5 4.5L16 7.5m-5 8.5 1 1L21.5 7.5",
            Self::Clock => "M12 7v5l3 2m6-2a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z",
            Self::Code => "M8 7l-5 5 5 5m8-10 5 5-5 5",
            Self::Copy => {
                "M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1Zm-4 6H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1"
            }
            Self::Cross => "M6 6l12 12M18 6 6 18",
            Self::Device => "M8 3h8a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2Zm3 15h2",
            Self::Edit => "M4 20h4L19 9l-4-4L4 16Zm9-13 4 4",
            Self::Gauge => "M4 18a9 9 0 1 1 16 0m-8-4 4-5m-4 5h.01",
            Self::Home => "M4 11l8-7 8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1Z",
            Self::Hook => {
                "M9.5 8.5a3.5 3.5 0 1 1 5 3.2l2.8 4.8M12 8.5l-3.2 6.2a3.5 3.5 0 1 1-4.6-1.5M13 17.5h5a3 3 0 1 0-1-4.2"
            }
            Self::In => "M17 7 7 17m0-8v8h8",
            Self::Key => "M14.5 9.5 21 3m-3 3 2 2m-4.2 4.5a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0Z",
            Self::LogOut => "M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8m2-12 4 4-4 4m4-4H10",
            Self::Message => {
                "M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1h-8l-5 4v-4H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z"
            }
            Self::Minus => "M6 12h12",
            Self::More => "M5 12h.01M12 12h.01M19 12h.01",
            Self::Out => "M7 17 17 7M9 7h8v8",
            Self::Pause => "M9 6v12M15 6v12",
            Self::People => {
                "M16 20v-1a4 4 0 0 0-4-4H7a4 4 0 0 0-4 4v1m9.5-13a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM21 20v-1a4 4 0 0 0-3-3.9M15.5 4.1a3 3 0 0 1 0 5.8"
            }
            Self::Phone => {
                "M5 4h4l1.5 5-2.3 1.6a11 11 0 0 0 5.2 5.2L15 13.5l5 1.5v4a1 1 0 0 1-1 1C11 20 4 13 4 5a1 1 0 0 1 1-1Z"
            }
            Self::Play => "M8 5.5v13l10.5-6.5Z",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Qr => "M4 4h6v6H4Zm10 0h6v6h-6ZM4 14h6v6H4Zm10 0h2v2h-2Zm4 4h2v2h-2Zm0-4h2m-6 6h2",
            Self::Refresh => "M20 11a8 8 0 0 0-14.3-4L4 9m0-5v5h5m-5 4a8 8 0 0 0 14.3 4l1.7-2m0 5v-5h-5",
            Self::Search => "M20 20l-4.3-4.3M18 11a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
            Self::Send => "M21 3 10 14M21 3l-7 18-4-7-7-4Z",
            Self::Settings => {
                "M4 7h9m4 0h3M4 17h3m4 0h9M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4Zm-6 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z"
            }
            Self::Trash => "M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7m4 4v5m4-5v5",
            Self::Unlink => {
                "M9 15l-2 2a3.5 3.5 0 0 1-5-5l2.5-2.5M15 9l2-2a3.5 3.5 0 0 1 5 5l-2.5 2.5M8 3v3M3 8h3m10 13v-3m5-2h-3"
            }
            Self::Workspace => {
                "M4 20V6a1 1 0 0 1 1-1h8a1 1 0 0 1 1 1v14m0-10h5a1 1 0 0 1 1 1v9M2 20h20M7 9h4m-4 4h4m-4 4h4"
            }
        }
    }
}

/// Draws it. Hidden from screen readers: a word stands beside every icon.
pub(crate) fn icon(icon: Icon) -> Markup {
    html! {
        svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"
            stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false" {
            path d=(icon.path()) {}
        }
    }
}

/// The mark: a gate, ajar.
pub(crate) fn mark() -> Markup {
    html! {
        svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            path class="mark-wall" d="M3 29V15a13 13 0 0 1 26 0v14h-6V15a7 7 0 0 0-14 0v14Z" {}
            path class="mark-gate" d="M11.5 29V15a4.5 4.5 0 0 1 4.5-4.5l3.5 2.6V29Z" {}
        }
    }
}
