//! `/keys/new`: making a key, and showing it, this once.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::key::{checked_expiry, checked_networks, checked_scopes};
use postern_domain::{ApiKeyId, ApiKeySecret, FieldProblem, Scope, Scopes, Timestamp, checked_name};
use postern_store::NewApiKey;

use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::security::Client;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, described_by, field, form, heading, moment, shown_once, under};

/// What is ticked at first: what a program needs that sends and follows what becomes of it.
const USUAL: [Scope; 3] = [Scope::MessagesSend, Scope::MessagesRead, Scope::DevicesRead];

/// `GET /keys/new`
pub(crate) async fn new(person: Person) -> Answer {
    let fields = USUAL
        .iter()
        .map(|scope| ("scope", scope.name().to_owned()))
        .collect();
    page(ask(&person, &fields, &[]))
}

/// `POST /keys`
pub(crate) async fn create(
    dashboard: web::Data<Dashboard>,
    client: Client,
    person: Person,
    fields: Fields,
) -> Answer {
    let (workspace, now) = (person.workspace(), dashboard.clock.now());
    // The form carries the id that the key will have: sent twice, it makes one.
    let id: ApiKeyId = fields
        .get("id")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It has no id."))?;
    if dashboard.store.api_key(workspace, id).await?.is_some() {
        return see("/keys");
    }
    let secret = ApiKeySecret::generate(dashboard.config.key_kind);
    let mut key = match read(&fields, now) {
        Ok((name, scopes)) => NewApiKey::of(&secret, workspace, name, scopes),
        Err(problems) => return refused(ask(&person, &fields, &problems)),
    };
    let (networks, expiry) = (networks(&fields), expiry(&fields, now));
    if let (Ok(networks), Ok(expiry)) = (&networks, &expiry) {
        (key.id, key.networks, key.expires_at) = (id, networks.clone(), *expiry);
    } else {
        let problems: Vec<_> = networks.err().into_iter().chain(expiry.err()).collect();
        return refused(ask(&person, &fields, &problems));
    }
    let scopes = key.scopes;
    let store = dashboard.acting(&person, "key.create", id);
    dashboard
        .change_access(async move { store.add_api_key(key, now).await })
        .await?;
    page(revealed(&person, &secret, scopes, &client, None))
}

fn read(fields: &Fields, now: Timestamp) -> Result<(String, Scopes), Vec<FieldProblem>> {
    let (name, scopes) = (
        checked_name(fields.get("name")),
        checked_scopes(&fields.all("scope")),
    );
    match (name, scopes) {
        (Ok(name), Ok(scopes)) => Ok((name, scopes)),
        (name, scopes) => {
            let problems = name.err().into_iter().chain(scopes.err());
            let rest = networks(fields)
                .err()
                .into_iter()
                .chain(expiry(fields, now).err());
            Err(problems.chain(rest).collect())
        }
    }
}

fn networks(fields: &Fields) -> Result<Vec<String>, FieldProblem> {
    let texts = fields.raw("networks").split([',', ' ', '\r', '\n']);
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
    checked_networks(&texts)
}

fn expiry(fields: &Fields, now: Timestamp) -> Result<Option<Timestamp>, FieldProblem> {
    let end = fields.moment("expires");
    let end = end.map_err(|()| FieldProblem::new("expiresAt", "is no time"))?;
    end.map(|end| checked_expiry(&end.to_rfc3339(), now)).transpose()
}

/// A page that shows a key, this once, and how to try it.
pub(crate) fn revealed(
    person: &Person,
    secret: &ApiKeySecret,
    scopes: Scopes,
    client: &Client,
    old_until: Option<Markup>,
) -> Markup {
    let line = trial(&client.origin(), secret.expose(), scopes);
    let body = html! {
        (heading("The key is ready", html! {}, html! {}))
        section class="card narrow" {
            div class="form" {
                (shown_once("key-text", "API key", secret.expose()))
                div class="field" {
                    h2 { "Try it" }
                    pre class="command" id="trial" tabindex="0" role="group" aria-label="A command that tries it" { (line) }
                    div class="actions" {
                        button type="button" class="button quiet" data-copy="trial" hidden { (icon(Icon::Copy)) span { "Copy" } }
                    }
                }
                @if let Some(old) = old_until { p class="quiet-text" { (old) } }
                div class="actions" { a class="button primary" href="/keys" { (icon(Icon::Check)) span { "I have stored it" } } }
            }
        }
    };
    shell(person, Place::Keys, "The key is ready", body)
}

/// A command line that works with these scopes.
fn trial(origin: &str, key: &str, scopes: Scopes) -> String {
    let reading = [
        (Scope::MessagesRead, "messages?limit=1"),
        (Scope::DevicesRead, "devices"),
        (Scope::UsageRead, "usage"),
        (Scope::EventsRead, "events?limit=1"),
        (Scope::WebhooksManage, "webhooks"),
        (Scope::Admin, "api-keys"),
        (Scope::AdminDaemon, "admin/workspaces"),
    ];
    let path = reading.into_iter().find(|(scope, _)| scopes.has(*scope));
    let authorization = format!("-H 'Authorization: Bearer {key}'");
    match path {
        Some((_, path)) => format!("curl '{origin}/v1/{path}' \\\n  {authorization}"),
        None => format!(
            "curl '{origin}/v1/messages' \\\n  {authorization} \\\n  --json '{{\"deviceId\":\"dev_…\",\"to\":\"+15551234567\",\
             \"type\":\"text\",\"text\":{{\"body\":\"Hello\"}}}}'"
        ),
    }
}

fn ask(person: &Person, fields: &Fields, problems: &[FieldProblem]) -> Markup {
    let problem = |name: &str| {
        let found = problems.iter().find(|problem| problem.field.starts_with(name));
        found.map(|problem| problem.message.as_str())
    };
    let id = match fields.get("id") {
        "" => ApiKeyId::generate().to_string(),
        id => id.to_owned(),
    };
    let name = Field {
        name: "name",
        label: "What is it for?",
        hint: "The program that will use it.",
        error: problem("name"),
    };
    let more = [
        ("required", "required"),
        ("maxlength", "100"),
        ("autocomplete", "off"),
        ("placeholder", "Order worker"),
        ("autofocus", "autofocus"),
    ];
    let body = html! {
        a class="back" href="/keys" { "API keys" }
        (heading("Make a key", html! {}, html! {}))
        section class="card narrow" {
            (form(person, "/keys", html! {
                input type="hidden" name="id" value=(id);
                (field(&name, "text", fields.get("name"), &more))
                (scopes(&fields.all("scope"), problem("scopes")))
                (networks_field(fields, problem("allowedIps")))
                (moment("expires", "Valid until", "Empty is for ever.", fields.get("expires")))
                @if let Some(why) = problem("expiresAt") { p class="error" { (icon(Icon::Alert)) span { "The end " (why) } } }
                div class="actions" {
                    button type="submit" class="button primary" data-once { (icon(Icon::Key)) span { "Make it" } }
                    a class="button quiet" href="/keys" { "Not now" }
                }
            }))
        }
    };
    shell(person, Place::Keys, "Make a key", body)
}

fn scopes(chosen: &[String], error: Option<&str>) -> Markup {
    let said = Field {
        name: "scopes",
        label: "",
        hint: "",
        error,
    };
    html! {
        fieldset class="choices" {
            legend { "What may it do?" }
            @for scope in Scope::ALL {
                label class="tick" {
                    input type="checkbox" name="scope" value=(scope) checked[chosen.iter().any(|name| name == scope.name())];
                    span { code { (scope) } " " span class="quiet-text" { (scope.meaning()) } }
                }
            }
            (under(&said))
        }
    }
}

fn networks_field(fields: &Fields, error: Option<&str>) -> Markup {
    let said = Field {
        name: "networks",
        label: "Only from these addresses",
        hint: "Addresses or networks like 203.0.113.0/24, parted by spaces or lines. Empty is from anywhere.",
        error,
    };
    html! {
        div class="field" {
            label for="networks" { (said.label) }
            textarea id="networks" name="networks" rows="2" autocomplete="off" spellcheck="false" aria-describedby=(described_by(&said)) {
                (fields.raw("networks"))
            }
            (under(&said))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_tries_a_key_fits_its_scopes() {
        let line = |scopes: &[Scope]| {
            trial(
                "https://gate.example",
                "sk_live_1",
                scopes.iter().copied().collect(),
            )
        };
        let reading = line(&[Scope::MessagesSend, Scope::UsageRead]);
        assert!(
            reading.starts_with("curl 'https://gate.example/v1/usage'"),
            "{reading}"
        );
        assert!(reading.contains("Bearer sk_live_1"));
        assert!(line(&[Scope::MessagesSend]).contains("--json '{\"deviceId\""));
    }
}
