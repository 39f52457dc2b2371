//! What every request of the dashboard passes: where it comes from, who it is, and what it may do.
//!
//! Everything that changes something is a form. Its body is read here and checked here, so that a handler cannot
//! forget it: the browser must say that a page of ours sent it, and the form must carry its session's token.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use postern_domain::WorkspaceId;
use postern_store::{Operator, OperatorSession, Workspace};

use crate::Dashboard;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::pages;
use crate::routes::Need;
use crate::security::{Client, SessionCookie, Token, from_elsewhere, workspace};

/// The largest form: a text of 4 096 characters, each written as `%XX` four times, and something around it.
const LARGEST_FORM: usize = 96 * 1024;
/// How often it is written down that a session is in use.
const TOUCH: std::time::Duration = std::time::Duration::from_secs(60);

/// Who is logged in. Its presence in a handler's signature says that somebody is; what they may do stands in the table.
#[derive(Clone)]
pub(crate) struct Person {
    /// Who.
    pub(crate) operator: Operator,
    /// The workspace that is looked at: the one that was chosen, or else the operator's own.
    pub(crate) looks_at: Workspace,
    /// There are others to look at.
    pub(crate) has_several: bool,
    /// What the session's forms carry.
    pub(crate) csrf: String,
    /// The session's hash.
    pub(crate) session: [u8; 32],
    /// There is a sandbox to play.
    pub(crate) has_sandbox: bool,
}

impl Person {
    /// Whose objects they see.
    pub(crate) fn workspace(&self) -> WorkspaceId {
        self.looks_at.id
    }
}

/// Wrapped around every route of the table.
pub(crate) async fn guard(
    need: Need,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_fragment = request.headers().contains_key("hx-request");
    let admitted = admit(need, &mut request).await;
    let person = request.extensions().get::<Person>().cloned();
    let mut answer = match admitted {
        Ok(()) => next.call(request).await?,
        Err(failure) => request.error_response(failure),
    };
    let failed = answer.response().error().and_then(|error| {
        let failure = error.as_error::<Failure>()?;
        Some(rendered(failure, person.as_ref(), answer.request(), is_fragment))
    });
    if let Some(rendered) = failed {
        answer = answer.into_response(rendered);
    }
    add_headers(&mut answer);
    Ok(answer)
}

async fn admit(need: Need, request: &mut ServiceRequest) -> Result<(), Failure> {
    let dashboard = request
        .app_data::<web::Data<Dashboard>>()
        .ok_or_else(|| Failure::Internal("the dashboard's state is not registered".to_owned()))?
        .clone();
    let peer = request.peer_addr().map(|address| address.ip());
    let client = Client::of(peer, request.headers(), &dashboard.config.trusted_proxies);
    let cookie = SessionCookie {
        secure: client.secure,
    };
    let token = request
        .cookie(cookie.name())
        .and_then(|cookie| Token::parse(cookie.value()));
    let changes = request.method() == Method::POST;
    if changes {
        if from_elsewhere(request.headers(), &client) {
            return Err(Failure::Forged);
        }
        let fields = read_form(request).await?;
        request.extensions_mut().insert(fields);
    }
    request.extensions_mut().insert(client);
    let person = match &token {
        Some(token) => {
            let cookie = request.cookie(workspace::cookie_name());
            let chosen = workspace::chosen(cookie.as_ref());
            // A page that is only open asks for its stream by itself.
            let in_use = !request.path().ends_with("/stream");
            dashboard.person(token, chosen, in_use).await?
        }
        None => None,
    };
    if let Some(person) = &person {
        request.extensions_mut().insert(person.clone());
    }
    let Need::Role(needed) = need else {
        return Ok(());
    };
    let (Some(person), Some(token)) = (person, token) else {
        return Err(Failure::LoggedOut);
    };
    if changes && !carries_token(request, &token) {
        return Err(Failure::Forged);
    }
    if !person.operator.role.may(needed) {
        return Err(Failure::Forbidden(needed));
    }
    if changes && !is_for(request, person.workspace()) {
        return Err(Failure::Refused(
            "Another workspace was chosen meanwhile. Go back, reload the page and try again.".to_owned(),
        ));
    }
    Ok(())
}

fn carries_token(request: &ServiceRequest, token: &Token) -> bool {
    let header = request
        .headers()
        .get("x-csrf-token")
        .and_then(|value| value.to_str().ok());
    let extensions = request.extensions();
    let field = extensions.get::<Fields>().map(|fields| fields.get("csrf"));
    header.or(field).is_some_and(|sent| token.vouches_for(sent))
}

/// Whether the form was filled in for this workspace, if it says for which.
fn is_for(request: &ServiceRequest, workspace: WorkspaceId) -> bool {
    let extensions = request.extensions();
    let seen = extensions
        .get::<Fields>()
        .map_or("", |fields| fields.get("workspace-seen"));
    seen.is_empty() || seen == workspace.to_string()
}

async fn read_form(request: &mut ServiceRequest) -> Result<Fields, Failure> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    let too_large = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .is_some_and(|length| length > LARGEST_FORM);
    if too_large {
        return Err(Failure::Unreadable(
            "It is larger than any form of the dashboard.",
        ));
    }
    // Without a length the extractor has a limit of its own.
    let body = request.extract::<web::Bytes>().await;
    let body = body.map_err(|_broken| Failure::Unreadable("It did not arrive whole, or is too large."))?;
    if !is_form && !body.is_empty() {
        return Err(Failure::Unreadable(
            "It is not what a form of the dashboard sends.",
        ));
    }
    Ok(Fields::parse(&body))
}

impl Dashboard {
    /// Who the token's session belongs to, while it is good, looking at the workspace that was `chosen`; writes down that
    /// the session is `in_use`.
    pub(crate) async fn person(
        &self,
        token: &Token,
        chosen: Option<WorkspaceId>,
        in_use: bool,
    ) -> Result<Option<Person>, Failure> {
        let Some(session) = self.session(token.hash()).await? else {
            return Ok(None);
        };
        let (operator, now) = (session.operator, self.clock.now());
        if in_use && now.since(session.seen_at) >= TOUCH {
            self.store.touch_session(token.hash(), now).await?;
        }
        let (looks_at, has_several) = self.looked_at(&operator, chosen).await?;
        Ok(Some(Person {
            operator,
            looks_at,
            has_several,
            csrf: token.against_forgery(),
            session: token.hash(),
            has_sandbox: self.sandbox.is_some(),
        }))
    }

    /// The workspace that was chosen, while there is such a one, and whether there are others.
    async fn looked_at(
        &self,
        operator: &Operator,
        chosen: Option<WorkspaceId>,
    ) -> Result<(Workspace, bool), Failure> {
        let (some, _) = self.store.workspaces(2, None).await?;
        let chosen = match chosen {
            Some(id) => self.store.workspace(id).await?,
            None => None,
        };
        let own = match chosen {
            Some(chosen) => Some(chosen),
            None => self.store.workspace(operator.workspace).await?,
        };
        let own = own.ok_or_else(|| Failure::Internal("an operator's workspace is gone".to_owned()))?;
        Ok((own, some.len() > 1))
    }

    /// The session with this hash, while it is good.
    pub(crate) async fn session(&self, hash: [u8; 32]) -> Result<Option<OperatorSession>, Failure> {
        let Some(session) = self.store.operator_session(hash).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        let age = now.since(session.created_at);
        if age >= self.config.absolute || now.since(session.seen_at) >= self.config.idle {
            self.store.end_session(hash).await?;
            return Ok(None);
        }
        Ok(Some(session))
    }
}

/// The page that is shown instead.
fn rendered(
    failure: &Failure,
    person: Option<&Person>,
    request: &HttpRequest,
    is_fragment: bool,
) -> HttpResponse {
    if failure.status_code().is_server_error() {
        tracing::error!(error = %failure, "a page of the dashboard failed");
    }
    if matches!(failure, Failure::LoggedOut) {
        let is_page = request.method() == Method::GET && !request.path().ends_with("/stream");
        if is_fragment {
            // htmx goes there with the whole page.
            return HttpResponse::build(StatusCode::UNAUTHORIZED)
                .insert_header(("hx-redirect", "/login"))
                .finish();
        }
        if is_page || request.method() == Method::POST {
            let to = if is_page && request.path() != "/" {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
                format!("/login?next={next}")
            } else {
                "/login".to_owned()
            };
            return HttpResponse::SeeOther()
                .insert_header((header::LOCATION, to))
                .finish();
        }
    }
    let page = pages::failure(failure, person);
    let mut answer = HttpResponse::build(failure.status_code());
    if let Failure::Wait(wait) = failure {
        answer.insert_header((header::RETRY_AFTER, (wait.as_secs() + 1).to_string()));
    }
    answer
        .content_type("text/html; charset=utf-8")
        .body(page.into_string())
}

/// No script or style but ours, no frame around us, nothing kept where others might find it.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not "no-referrer": browsers would then hide from us which page sent a form.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=()",
    ),
];

fn add_headers(answer: &mut ServiceResponse<BoxBody>) {
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

impl FromRequest for Person {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(request.extensions().get().cloned().ok_or(Failure::LoggedOut))
    }
}

impl FromRequest for Client {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let client = request.extensions().get().cloned();
        ready(client.ok_or_else(|| Failure::Internal("no guard looked at the client".to_owned())))
    }
}
