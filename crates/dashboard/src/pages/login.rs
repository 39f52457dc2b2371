//! `/login` and `/logout`.

use actix_web::http::StatusCode;
use actix_web::http::header::{LOCATION, RETRY_AFTER};
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use postern_domain::OperatorName;
use postern_store::Operator;

use crate::Dashboard;
use crate::answer::{Answer, page, see, with_status};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::{Client, PasswordError, SessionCookie, Token};
use crate::view::icon::{Icon, icon};
use crate::view::layout::bare;
use crate::view::parts::{Field, field};

/// `GET /login`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, person: Option<Person>, fields: Fields) -> Answer {
    let next = safe(fields.get("next"));
    if person.is_some() {
        return see(next);
    }
    if !dashboard.store.has_operators().await? {
        return page(nobody_yet());
    }
    page(form(next, "", None))
}

/// `POST /login`
pub(crate) async fn submit(
    dashboard: web::Data<Dashboard>,
    client: Client,
    person: Option<Person>,
    fields: Fields,
) -> Answer {
    let (given, next) = (fields.get("name"), safe(fields.get("next")));
    let (key, now) = (given.to_lowercase(), dashboard.clock.now());
    let key: String = key.chars().take(64).collect();
    if let Some(wait) = dashboard.throttle.wait(&key, client.address, now) {
        let why = format!("Too many wrong tries. Try again in {} s.", wait.as_secs() + 1);
        let mut answer = with_status(StatusCode::TOO_MANY_REQUESTS, form(next, given, Some(&why)))?;
        let seconds = actix_web::http::header::HeaderValue::from(wait.as_secs() + 1);
        answer.headers_mut().insert(RETRY_AFTER, seconds);
        return Ok(answer);
    }
    dashboard.throttle.strike(&key, client.address, now);
    let found = match given.parse::<OperatorName>() {
        Ok(name) => dashboard.store.operator_by_name(name).await?,
        Err(_) => None,
    };
    let (operator, hash) = found.unzip();
    let right = dashboard
        .passwords
        .verify(fields.raw("password").to_owned(), hash)
        .await
        .map_err(password_failure)?;
    match operator {
        Some(operator) if right => {
            dashboard.throttle.forgive(&key, client.address);
            // The browser forgets it: nobody else shall find it.
            if let Some(before) = person {
                dashboard.store.end_session(before.session).await?;
            }
            admitted(&dashboard, &client, &operator, next).await
        }
        _ => {
            tracing::info!(client.address = %client.address, "a login to the dashboard was refused");
            let why = "Name or password is wrong.";
            with_status(StatusCode::UNPROCESSABLE_ENTITY, form(next, given, Some(why)))
        }
    }
}

/// `POST /logout`
pub(crate) async fn log_out(dashboard: web::Data<Dashboard>, client: Client, person: Person) -> Answer {
    let store = dashboard
        .store
        .acting(dashboard.act_of(&person.operator, "session.end", "", ""));
    store.end_session(person.session).await?;
    let cookie = SessionCookie {
        secure: client.secure,
    };
    Ok(HttpResponse::SeeOther()
        .cookie(cookie.clear())
        .insert_header((LOCATION, "/login"))
        .finish())
}

/// Logs an operator in, and goes to `next`.
pub(super) async fn admitted(
    dashboard: &Dashboard,
    client: &Client,
    operator: &Operator,
    next: &str,
) -> Answer {
    let (token, now) = (Token::generate(), dashboard.clock.now());
    let oldest = now.before(dashboard.config.absolute);
    let act = dashboard.act_of(
        operator,
        "session.begin",
        "",
        format_args!("from {}", client.address),
    );
    let store = dashboard.store.acting(act);
    store
        .begin_session(operator.id, token.hash(), oldest, now)
        .await?;
    let cookie = SessionCookie {
        secure: client.secure,
    };
    Ok(HttpResponse::SeeOther()
        .cookie(cookie.set(&token, dashboard.config.absolute))
        .insert_header((LOCATION, next))
        .finish())
}

/// The hash of a new password.
pub(super) async fn hash(dashboard: &Dashboard, password: String) -> Result<String, Failure> {
    dashboard.passwords.hash(password).await.map_err(password_failure)
}

pub(super) fn password_failure(error: PasswordError) -> Failure {
    match error {
        PasswordError::Busy => Failure::Busy,
        PasswordError::Failed(why) => Failure::Internal(why),
    }
}

/// Only a path of ours: a link must not lead elsewhere by way of the login.
fn safe(next: &str) -> &str {
    let of_ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if of_ours { next } else { "/" }
}

fn form(next: &str, name: &str, error: Option<&str>) -> Markup {
    let name_field = Field {
        name: "name",
        label: "Name",
        hint: "",
        error: None,
    };
    let password_field = Field {
        name: "password",
        label: "Password",
        hint: "",
        error: None,
    };
    let focus = if name.is_empty() { "autofocus" } else { "" };
    let focus_password = if name.is_empty() { "" } else { "autofocus" };
    bare(
        "Log in",
        html! {
            section class="card entrance" {
                h1 { "Log in" }
                @if let Some(error) = error {
                    p class="callout bad" role="alert" { (icon(Icon::Alert)) span { (error) } }
                }
                form method="post" action="/login" class="form" {
                    input type="hidden" name="next" value=(next);
                    (field(&name_field, "text", name, &[("autocomplete", "username"), ("required", "required"), ("autocapitalize", "none"), ("autofocus", focus)]))
                    (field(&password_field, "password", "", &[("autocomplete", "current-password"), ("required", "required"), ("autofocus", focus_password)]))
                    button type="submit" class="button primary wide" { "Log in" }
                }
            }
        },
    )
}

fn nobody_yet() -> Markup {
    bare(
        "Set up",
        html! {
            section class="card entrance" {
                h1 { "Nobody has set this up yet" }
                p { "The gateway printed a link when it started; open it to become the owner. It looks like this:" }
                pre { "dashboard at http://…/setup?token=…" }
                p class="quiet-text" { "It is good for an hour. Each start prints a new one while there is no operator." }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn a_login_leads_nowhere_else() {
        assert_eq!(safe("/devices?x=1"), "/devices?x=1");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\nb",
            "javascript:x",
        ] {
            assert_eq!(safe(bad), "/", "{bad:?}");
        }
    }
}
