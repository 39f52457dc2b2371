//! Why a verb failed, in words that say what to do.

use std::error::Error as _;

use serde::Deserialize;

use crate::print::printable;

/// The command cannot be run as it was given; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUsage(pub(crate) String);

/// A call to the daemon failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing answers there.
    #[error(
        "no daemon answers at {url} ({cause}); start one with `postern serve`, or say where it is with --url or \
         POSTERN_URL"
    )]
    Unreachable { url: String, cause: String },
    /// The connection broke, or the answer took too long.
    #[error("the daemon at {url} gave no answer ({cause}); look at its log")]
    NoAnswer { url: String, cause: String },
    /// Something else than a daemon answers there.
    #[error("{url} answered {status}, and not as Postern does; is it the address of a daemon?")]
    NotPostern { url: String, status: u16 },
    /// The daemon does not know the key.
    #[error(
        "{message}; set POSTERN_API_KEY to a key of this daemon (it printed one at its first start), or name a file \
         that holds it with --api-key-file"
    )]
    Unauthorized { message: String },
    /// The daemon refused.
    #[error("{message}")]
    Refused { code: String, message: String },
}

/// How the API answers errors.
#[derive(Deserialize)]
struct Envelope {
    error: Refusal,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal {
    code: String,
    message: String,
    #[serde(default)]
    details: Vec<Detail>,
    request_id: String,
}

#[derive(Deserialize)]
struct Detail {
    field: String,
    message: String,
}

impl Failure {
    /// No answer came from `url`.
    pub(crate) fn without_answer(url: &str, error: &reqwest::Error) -> Self {
        let (url, cause) = (url.to_owned(), root_cause(error));
        if error.is_connect() {
            Self::Unreachable { url, cause }
        } else {
            Self::NoAnswer { url, cause }
        }
    }

    /// The answer of `url` is an error, or no answer of this API at all.
    pub(crate) fn from_answer(url: &str, status: u16, body: &str) -> Self {
        let Ok(Envelope { error }) = serde_json::from_str(body) else {
            let url = url.to_owned();
            return Self::NotPostern { url, status };
        };
        if status == 401 {
            let message = printable(&error.message);
            return Self::Unauthorized { message };
        }
        let mut message = printable(&error.message);
        // One detail is in the message already.
        if error.details.len() > 1 {
            for Detail { field, message: why } in &error.details {
                message += &format!("\n  {}: {}", printable(field), printable(why));
            }
        }
        if status >= 500 {
            message += &format!(" ({})", printable(&error.request_id));
        }
        Self::Refused {
            code: error.code,
            message,
        }
    }

    /// Whether there is no such thing.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "NOT_FOUND")
    }

    /// Whether the same call may succeed in a moment.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } => true,
            Self::Refused { code, .. } => {
                let passing = [
                    "OVERLOADED",
                    "RATE_LIMITED",
                    "STARTING",
                    "STORAGE_UNAVAILABLE",
                    "TOO_MANY_STREAMS",
                    "WHATSAPP_UNAVAILABLE",
                ];
                passing.contains(&code.as_str())
            }
            Self::NotPostern { .. } | Self::Unauthorized { .. } => false,
        }
    }

    /// Whether the idempotency key was used for something else.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "IDEMPOTENCY_CONFLICT")
    }

    /// Whether it only is too early to ask, or too late.
    pub(crate) fn is_about_the_moment(&self) -> bool {
        let moments = ["QR_NOT_READY", "PAIRING_CODE_NOT_READY", "INVALID_STATE"];
        matches!(self, Self::Refused { code, .. } if moments.contains(&code.as_str()))
    }
}

/// What the operating system or the other side said; the links of the chain above it only say where.
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(|cause| cause.source()) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://127.0.0.1:8480";

    fn said(status: u16, body: &str) -> String {
        Failure::from_answer(URL, status, body).to_string()
    }

    #[test]
    fn a_refusal_is_the_message_of_the_api_with_what_to_do() {
        let body = r#"{"error":{"code":"UNAUTHORIZED","message":"no such key","requestId":"req_1"}}"#;
        let said_401 = said(401, body);
        assert!(
            said_401.starts_with("no such key; set POSTERN_API_KEY"),
            "{said_401}"
        );

        let body = r#"{"error":{"code":"INVALID_STATE","message":"it is linked","requestId":"req_1"}}"#;
        assert_eq!(said(409, body), "it is linked");

        let body = r#"{"error":{"code":"INTERNAL","message":"it failed","requestId":"req_1"}}"#;
        assert_eq!(said(500, body), "it failed (req_1)");
    }

    #[test]
    fn who_asks_too_often_asks_again_and_who_wants_too_much_does_not() {
        for (status, code, passes) in [
            (429, "RATE_LIMITED", true),
            (503, "WHATSAPP_UNAVAILABLE", true),
            (429, "QUOTA_EXCEEDED", false),
        ] {
            let body = format!(r#"{{"error":{{"code":"{code}","message":"no","requestId":"req_1"}}}}"#);
            assert_eq!(
                Failure::from_answer(URL, status, &body).passes(),
                passes,
                "{code}"
            );
        }
    }

    #[test]
    fn several_details_are_listed() {
        let body = r#"{"error":{"code":"VALIDATION_ERROR","message":"2 fields","requestId":"req_1",
            "details":[{"field":"name","message":"too long"},{"field":"x","message":"unknown"}]}}"#;
        assert_eq!(said(400, body), "2 fields\n  name: too long\n  x: unknown");
    }

    #[test]
    fn what_is_not_postern_is_called_so_and_not_repeated() {
        let page = said(502, "<html>\u{1b}[2J</html>");
        assert!(page.contains("answered 502"), "{page}");
        assert!(!page.contains("html"), "{page}");
    }

    #[test]
    fn nothing_the_other_side_says_moves_the_cursor() {
        let body = r#"{"error":{"code":"INVALID_STATE","message":"a\u001b[2Jb","requestId":"req_1"}}"#;
        assert!(!said(409, body).contains('\u{1b}'));
    }
}
