//! `/people`: who may use the dashboard, and how.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{OperatorId, OperatorName, Role};
use postern_store::{NewOperator, Operator, OperatorError};

use super::login::hash;
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::check_strength;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, Question, ask, field, form, heading, notice, question};
use crate::view::time;

/// What is wrong with the form that adds one.
#[derive(Default)]
struct Wrong {
    name: Option<String>,
    password: Option<String>,
}

/// `GET /people`
pub(crate) async fn list(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    page(render(&dashboard, &person, &fields, &Wrong::default()).await?)
}

/// `POST /people`
pub(crate) async fn add(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let name = fields.get("name").parse::<OperatorName>();
    let role = role(&fields)?;
    let password = fields.raw("password").to_owned();
    let mut wrong = Wrong {
        name: name.as_ref().err().map(ToString::to_string),
        password: check_strength(&password, fields.get("name"))
            .err()
            .map(|why| why.to_string()),
    };
    let name = match name {
        Ok(name) if wrong.password.is_none() => name,
        _ => return refused(render(&dashboard, &person, &fields, &wrong).await?),
    };
    let new = NewOperator {
        id: OperatorId::generate(),
        workspace: person.operator.workspace,
        name,
        role,
        password: hash(&dashboard, password).await?,
    };
    let act = dashboard.act_of(
        &person.operator,
        "operator.add",
        new.id,
        format_args!("{} as {role}", new.name),
    );
    match dashboard
        .store
        .acting(act)
        .add_operator(new, dashboard.clock.now())
        .await
    {
        Ok(()) => see("/people?done=added"),
        Err(OperatorError::NameTaken) => {
            wrong.name = Some("is taken".to_owned());
            refused(render(&dashboard, &person, &fields, &wrong).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /people/{id}/role`
pub(crate) async fn set_role(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let (id, role) = (operator_id(&id)?, role(&fields)?);
    let act = dashboard.act_of(&person.operator, "operator.role", id, role);
    let store = dashboard.store.acting(act);
    store
        .set_operator_role(person.operator.workspace, id, role)
        .await?;
    see("/people?done=role")
}

/// `POST /people/{id}/password`
pub(crate) async fn set_password(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let (id, password) = (operator_id(&id)?, fields.raw("password").to_owned());
    check_strength(&password, "")
        .map_err(|why| Failure::Refused(sentence(&format!("the password {why}"))))?;
    let password = hash(&dashboard, password).await?;
    let store = dashboard
        .store
        .acting(dashboard.act_of(&person.operator, "operator.password", id, ""));
    store
        .set_operator_password(person.operator.workspace, id, password, None)
        .await?;
    see("/people?done=password")
}

/// `POST /people/{id}/remove`
pub(crate) async fn remove(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let id = operator_id(&id)?;
    let store = dashboard
        .store
        .acting(dashboard.act_of(&person.operator, "operator.remove", id, ""));
    store.remove_operator(person.operator.workspace, id).await?;
    see("/people?done=gone")
}

fn operator_id(text: &str) -> Result<OperatorId, Failure> {
    text.parse().map_err(|_not_an_id| Failure::NotFound)
}

fn role(fields: &Fields) -> Result<Role, Failure> {
    Role::from_name(fields.get("role")).ok_or(Failure::Unreadable("It names no role."))
}

async fn render(
    dashboard: &Dashboard,
    person: &Person,
    fields: &Fields,
    wrong: &Wrong,
) -> Result<Markup, Failure> {
    let operators = dashboard.store.operators(person.operator.workspace).await?;
    let subtitle = html! {
        p class="quiet-text" { "Owners manage people and remove devices; operators link devices and send; viewers look." }
    };
    let body = html! {
        (heading("People", subtitle, html! {}))
        (notice(super::done(fields.get("done"))))
        section class="card" {
            ul class="rows people" {
                @for operator in &operators { li class="row" { (row(person, operator)) } }
            }
        }
        (new_one(person, fields, wrong))
        @for operator in &operators {
            @let (password, removal) = paths(operator);
            @let (anew, gone) = (anew(operator, &password), removed(operator, &removal));
            (question(person, &as_question(&anew)))
            (question(person, &as_question(&gone)))
        }
    };
    Ok(shell(person, Place::People, "People", body))
}

/// What can be asked about an operator, with the texts that its question borrows.
struct Asked {
    action: String,
    id: String,
    title: String,
    label: &'static str,
    symbol: Icon,
    text: &'static str,
    fields: Markup,
    is_grave: bool,
}

fn as_question(asked: &Asked) -> Question<'_> {
    Question {
        action: &asked.action,
        id: &asked.id,
        label: asked.label,
        symbol: asked.symbol,
        title: &asked.title,
        text: asked.text,
        fields: html! { (asked.fields) },
        is_grave: asked.is_grave,
    }
}

fn paths(operator: &Operator) -> (String, String) {
    let path = |verb: &str| format!("/people/{}/{verb}", operator.id);
    (path("password"), path("remove"))
}

fn anew(operator: &Operator, path: &str) -> Asked {
    let id = format!("password-{}", operator.id);
    Asked {
        action: path.to_owned(),
        title: format!("A new password for {}?", operator.name),
        label: "Set password",
        symbol: Icon::Key,
        text: "They are logged out everywhere and need the new password from you.",
        fields: html! {
            div class="field" {
                label for={ (id) "-field" } { "New password" }
                input type="password" id={ (id) "-field" } name="password" required minlength="10" autocomplete="new-password";
            }
        },
        is_grave: false,
        id,
    }
}

fn removed(operator: &Operator, path: &str) -> Asked {
    Asked {
        action: path.to_owned(),
        id: format!("remove-{}", operator.id),
        title: format!("Remove {}?", operator.name),
        label: "Remove",
        symbol: Icon::Trash,
        text: "They are logged out at once. What they did stays in the activity.",
        fields: html! {},
        is_grave: true,
    }
}

fn row(person: &Person, operator: &Operator) -> Markup {
    let (password, removal) = paths(operator);
    let is_self = operator.id == person.operator.id;
    html! {
        span class="row-main" {
            strong { (operator.name) @if is_self { " (you)" } }
            span class="quiet-text" {
                @match operator.last_seen_at { Some(at) => { "last seen " (time::ago(at)) }, None => "never logged in" }
            }
        }
        span class="row-end wrap" {
            form method="post" action={ "/people/" (operator.id) "/role" } class="inline" {
                input type="hidden" name="csrf" value=(person.csrf);
                label class="unseen" for={ "role-" (operator.id) } { "Role of " (operator.name) }
                select id={ "role-" (operator.id) } name="role" {
                    @for role in Role::ALL { option value=(role) selected[role == operator.role] { (role) } }
                }
                button type="submit" class="button quiet" { "Change" }
            }
            (ask(&as_question(&anew(operator, &password))))
            (ask(&as_question(&removed(operator, &removal))))
        }
    }
}

fn new_one(person: &Person, fields: &Fields, wrong: &Wrong) -> Markup {
    let name = Field {
        name: "name",
        label: "Name or e-mail address",
        hint: "",
        error: wrong.name.as_deref(),
    };
    let password = Field {
        name: "password",
        label: "First password",
        hint: "At least 10 characters. They can change it under their name.",
        error: wrong.password.as_deref(),
    };
    html! {
        section class="card narrow" {
            header class="card-head" { h2 { (icon(Icon::Plus)) "Add somebody" } }
            (form(person, "/people", html! {
                (field(&name, "text", fields.get("name"), &[("required", "required"), ("autocomplete", "off"), ("autocapitalize", "none")]))
                (field(&password, "password", "", &[("required", "required"), ("autocomplete", "new-password"), ("minlength", "10")]))
                div class="field" {
                    label for="role" { "Role" }
                    select id="role" name="role" {
                        @for role in [Role::Viewer, Role::Operator, Role::Owner] {
                            option value=(role) selected[fields.get("role") == role.name()] { (role) }
                        }
                    }
                }
                div class="actions" { button type="submit" class="button primary" { "Add" } }
            }))
        }
    }
}
