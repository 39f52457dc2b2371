//! `/account`: one's own password.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::OperatorName;

use super::login::{hash, password_failure};
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::{Client, check_strength};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, field, form, heading, notice};

/// What is wrong with the form.
#[derive(Default)]
struct Wrong {
    current: Option<String>,
    password: Option<String>,
}

/// `GET /account`
pub(crate) async fn show(person: Person, fields: Fields) -> Answer {
    page(render(&person, fields.get("done"), &Wrong::default()))
}

/// `POST /account/password`
pub(crate) async fn change_password(
    dashboard: web::Data<Dashboard>,
    client: Client,
    person: Person,
    fields: Fields,
) -> Answer {
    let (current, password) = (
        fields.raw("current").to_owned(),
        fields.raw("password").to_owned(),
    );
    if let Err(why) = check_strength(&password, &person.operator.name) {
        let wrong = Wrong {
            password: Some(why.to_string()),
            ..Wrong::default()
        };
        return refused(render(&person, "", &wrong));
    }
    // Who finds an open browser shall not guess here without end.
    let (name, now) = (person.operator.name.as_str(), dashboard.clock.now());
    if let Some(wait) = dashboard.throttle.wait(name, client.address, now) {
        return Err(Failure::Wait(wait));
    }
    dashboard.throttle.strike(name, client.address, now);
    let parsed = name.parse::<OperatorName>();
    let parsed = parsed.map_err(|error| Failure::Internal(error.to_string()))?;
    let known = dashboard.store.operator_by_name(parsed).await?;
    let right = dashboard.passwords.verify(current, known.map(|(_, hash)| hash));
    if !right.await.map_err(password_failure)? {
        let wrong = Wrong {
            current: Some("is not your password".to_owned()),
            ..Wrong::default()
        };
        return refused(render(&person, "", &wrong));
    }
    dashboard.throttle.forgive(name, client.address);
    let password = hash(&dashboard, password).await?;
    let (workspace, id) = (person.operator.workspace, person.operator.id);
    let store = dashboard
        .store
        .acting(dashboard.act_of(&person.operator, "operator.password", id, ""));
    store
        .set_operator_password(workspace, id, password, Some(person.session))
        .await?;
    see("/account?done=password")
}

fn render(person: &Person, done: &str, wrong: &Wrong) -> Markup {
    let current = Field {
        name: "current",
        label: "Your password now",
        hint: "",
        error: wrong.current.as_deref(),
    };
    let new = Field {
        name: "password",
        label: "New password",
        hint: "At least 10 characters. You stay logged in here and are logged out everywhere else.",
        error: wrong.password.as_deref(),
    };
    let body = html! {
        (heading("Your account", html! { p class="quiet-text" { (person.operator.name) ", " (person.operator.role) } }, html! {}))
        (notice(super::done(done)))
        section class="card narrow" {
            header class="card-head" { h2 { "Change the password" } }
            (form(person, "/account/password", html! {
                (field(&current, "password", "", &[("autocomplete", "current-password"), ("required", "required")]))
                (field(&new, "password", "", &[("autocomplete", "new-password"), ("required", "required"), ("minlength", "10")]))
                div class="actions" { button type="submit" class="button primary" { "Change it" } }
            }))
        }
    };
    shell(person, Place::Account, "Your account", body)
}
