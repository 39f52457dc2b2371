//! `/setup`: the first operator, by the link that the daemon printed.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{OperatorId, OperatorName, Role};
use postern_store::{NewOperator, OperatorError};

use super::login::{self, admitted};
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::security::{Client, check_strength};
use crate::view::icon::{Icon, icon};
use crate::view::layout::bare;
use crate::view::parts::{Field, empty, field};

/// What is wrong with the form.
#[derive(Default)]
struct Wrong {
    name: Option<String>,
    password: Option<String>,
}

/// `GET /setup?token=…`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, fields: Fields) -> Answer {
    if dashboard.store.has_operators().await? {
        return see("/login");
    }
    let token = fields.get("token");
    if !dashboard.set_up.admits(token, dashboard.clock.now()) {
        return refused(stale());
    }
    page(form(token, "", &Wrong::default()))
}

/// `POST /setup`
pub(crate) async fn submit(dashboard: web::Data<Dashboard>, client: Client, fields: Fields) -> Answer {
    let (token, now) = (fields.get("token").to_owned(), dashboard.clock.now());
    if !dashboard.set_up.admits(&token, now) {
        return refused(stale());
    }
    let password = fields.raw("password").to_owned();
    let name = fields.get("name").parse::<OperatorName>();
    let wrong = Wrong {
        name: name.as_ref().err().map(ToString::to_string),
        password: check_strength(&password, fields.get("name"))
            .err()
            .map(|why| why.to_string()),
    };
    let name = match name {
        Ok(name) if wrong.password.is_none() => name,
        _ => return refused(form(&token, fields.get("name"), &wrong)),
    };
    let password = login::hash(&dashboard, password).await?;
    let workspace = dashboard.store.first_workspace(now).await?;
    let id = OperatorId::generate();
    let act = dashboard.first_act(workspace, id, name.as_str());
    let new = NewOperator {
        id,
        workspace,
        name,
        role: Role::Owner,
        password,
    };
    match dashboard.store.acting(act).add_first_operator(new, now).await {
        Ok(()) => {}
        Err(OperatorError::NotTheFirst) => return see("/login"),
        Err(error) => return Err(error.into()),
    }
    dashboard.set_up.used();
    let operator = dashboard.store.operators(workspace).await?;
    let operator = operator.into_iter().find(|operator| operator.id == id);
    let operator = operator.ok_or_else(|| Failure::Internal("the first operator is gone".to_owned()))?;
    admitted(&dashboard, &client, &operator, "/").await
}

fn stale() -> Markup {
    bare(
        "Set up",
        html! {
            (empty(
                Icon::Key,
                "This link is no longer good",
                "It can be used once, and for an hour. Start the gateway again: while there is no operator, each start \
                 prints a new one.",
                html! {},
            ))
        },
    )
}

fn form(token: &str, name: &str, wrong: &Wrong) -> Markup {
    let name_field = Field {
        name: "name",
        label: "Your name or e-mail address",
        hint: "You log in with it.",
        error: wrong.name.as_deref(),
    };
    let password_field = Field {
        name: "password",
        label: "Password",
        hint: "At least 10 characters. A few words that only you would put together are good.",
        error: wrong.password.as_deref(),
    };
    bare(
        "Set up",
        html! {
            section class="card entrance" {
                h1 { "Welcome" }
                p class="quiet-text" { "You are the first here. Make yourself the owner of this gateway." }
                form method="post" action="/setup" class="form" {
                    input type="hidden" name="token" value=(token);
                    (field(&name_field, "text", name, &[("autocomplete", "username"), ("required", "required"), ("autofocus", "autofocus"), ("autocapitalize", "none")]))
                    (field(&password_field, "password", "", &[("autocomplete", "new-password"), ("required", "required"), ("minlength", "10")]))
                    button type="submit" class="button primary wide" { "Become the owner" (icon(Icon::Arrow)) }
                }
            }
        },
    )
}
