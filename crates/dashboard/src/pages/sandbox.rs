//! `/sandbox`: playing the phones and contacts of the simulated network.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{DeviceId, DeviceState, PhoneNumber};
use postern_store::CodeKind;
use serde_json::{Value, json};

use crate::Dashboard;
use crate::answer::{Answer, page, see};
use crate::failure::{Failure, sentence};
use crate::fields::Fields;
use crate::guard::Person;
use crate::sandbox::SandboxMethod;
use crate::stream;
use crate::view::View;
use crate::view::device::title;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{form, heading, live, notice};
use crate::view::sandbox::{CONTACT, FAULTS, ask};

/// `GET /sandbox`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let contact = contact_of(&fields)?;
    let settings = ask(&dashboard, &format!("/contacts/{contact}")).await?;
    let accounts = accounts(&dashboard, &person).await?;
    let inner = View::Sandbox(contact.clone()).live(&dashboard, &person).await?;
    let subtitle = html! { p class="quiet-text" { "A simulated WhatsApp network. You play its people; nothing leaves this machine." } };
    let body = html! {
        (heading("Sandbox", subtitle, html! {}))
        (notice(super::done(fields.get("done"))))
        div class="columns wide-left" {
            (live(&format!("/sandbox/stream?contact=%2B{}", contact.trim_start_matches('+')), inner))
            div class="stack" {
                (play_contact(&person, &contact, &settings, &accounts))
                (break_link(&person, &contact, &accounts))
            }
        }
    };
    page(shell(&person, Place::Sandbox, "Sandbox", body))
}

/// `GET /sandbox/stream`
pub(crate) async fn stream(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    if dashboard.sandbox.is_none() {
        return Err(Failure::NotFound);
    }
    stream::answer(dashboard, person, View::Sandbox(contact_of(&fields)?))
}

/// `POST /sandbox/scan`: a phone takes the code that a device shows.
pub(crate) async fn scan(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let device: DeviceId = fields.get("device").parse().map_err(|_none| Failure::NotFound)?;
    let phone = number(fields.get("phone"))?;
    let now = dashboard.clock.now();
    let code = dashboard
        .store
        .shown_code(person.workspace(), device, now)
        .await?;
    let code = code.ok_or_else(|| Failure::Refused("No code is on show.".to_owned()))?;
    let (verb, body) = match code.kind {
        CodeKind::Qr => ("scan", json!({ "qr": code.code.expose() })),
        CodeKind::PairingCode => ("enter-code", json!({ "code": code.code.expose() })),
    };
    tell(
        &dashboard,
        SandboxMethod::Post,
        &format!("/phones/{phone}/{verb}"),
        Some(body),
    )
    .await?;
    see(format!("/devices/{device}/pair"))
}

/// `POST /sandbox/write`: the contact writes to an account.
pub(crate) async fn write(dashboard: web::Data<Dashboard>, fields: Fields) -> Answer {
    let (contact, account) = (contact_of(&fields)?, number(fields.get("account"))?);
    let body = json!({ "to": account, "text": fields.get("text") });
    tell(
        &dashboard,
        SandboxMethod::Post,
        &format!("/contacts/{contact}/messages"),
        Some(body),
    )
    .await?;
    back(&contact, "written")
}

/// `POST /sandbox/contact`: whether the contact can be reached, and reads.
pub(crate) async fn contact(dashboard: web::Data<Dashboard>, fields: Fields) -> Answer {
    let contact = contact_of(&fields)?;
    let body = json!({
        "registered": fields.ticked("registered"),
        "online": fields.ticked("online"),
        "autoRead": fields.ticked("autoRead"),
    });
    tell(
        &dashboard,
        SandboxMethod::Put,
        &format!("/contacts/{contact}"),
        Some(body),
    )
    .await?;
    back(&contact, "contact")
}

/// `POST /sandbox/fault`: the link breaks.
pub(crate) async fn fault(dashboard: web::Data<Dashboard>, fields: Fields) -> Answer {
    let (contact, account) = (contact_of(&fields)?, number(fields.get("account"))?);
    let kind = FAULTS.iter().find(|fault| fault.0 == fields.get("kind"));
    let kind = kind.ok_or(Failure::Unreadable("There is no such fault."))?.0;
    match kind {
        "unlink" => {
            let path = format!("/phones/{account}/unlink");
            tell(&dashboard, SandboxMethod::Post, &path, Some(json!({}))).await?;
        }
        "clear" => {
            let path = format!("/faults?phone={}", account.trim_start_matches('+'));
            tell(&dashboard, SandboxMethod::Delete, &path, None).await?;
        }
        "ban" => {
            let body = json!({ "phone": account, "kind": "login_failure", "code": 402, "seconds": 60 });
            tell(&dashboard, SandboxMethod::Post, "/faults", Some(body)).await?;
        }
        _ => {
            let body = json!({ "phone": account, "kind": kind });
            tell(&dashboard, SandboxMethod::Post, "/faults", Some(body)).await?;
        }
    }
    back(&contact, "struck")
}

async fn tell(
    dashboard: &Dashboard,
    method: SandboxMethod,
    path: &str,
    body: Option<Value>,
) -> Result<(), Failure> {
    let sandbox = dashboard.sandbox.as_ref().ok_or(Failure::NotFound)?;
    let answer = sandbox.call(method, path, body).await;
    answer.map_err(|error| Failure::Refused(sentence(&format!("the sandbox says: {error}"))))?;
    Ok(())
}

fn back(contact: &str, done: &str) -> Answer {
    see(format!(
        "/sandbox?contact=%2B{}&done={done}",
        contact.trim_start_matches('+')
    ))
}

fn contact_of(fields: &Fields) -> Result<String, Failure> {
    match fields.get("contact") {
        "" => Ok(CONTACT.to_owned()),
        text => number(text),
    }
}

/// As the sandbox has it, and safe in a path.
fn number(text: &str) -> Result<String, Failure> {
    let number = text.parse::<PhoneNumber>();
    number.map(|number| number.to_string()).map_err(|_none| {
        Failure::Refused(format!(
            "{} is no phone number like +15551234567.",
            text.chars().take(30).collect::<String>()
        ))
    })
}

async fn accounts(dashboard: &Dashboard, person: &Person) -> Result<Vec<(String, String)>, Failure> {
    let mut devices = dashboard.devices(person.workspace()).await?;
    // The first is chosen unless told: one with a link to break.
    devices.sort_by_key(|device| device.status.state != DeviceState::Connected);
    let linked = devices.iter().filter_map(|device| {
        let account = device.account.as_ref()?;
        Some((account.phone.to_string(), title(device)))
    });
    Ok(linked.collect())
}

fn choices(accounts: &[(String, String)], id: &str) -> Markup {
    html! {
        div class="field" {
            label for=(id) { "Account" }
            select id=(id) name="account" {
                @for (number, name) in accounts { option value=(number) { (name) " (" (number) ")" } }
            }
        }
    }
}

fn play_contact(person: &Person, contact: &str, settings: &Value, accounts: &[(String, String)]) -> Markup {
    let tick = |name: &str, text: &str| {
        html! {
            label class="tick" {
                input type="checkbox" name=(name) value="1" checked[settings[name] == true];
                span { (text) }
            }
        }
    };
    html! {
        section class="card" {
            header class="card-head" { h2 { "Play the contact" } }
            form method="get" action="/sandbox" class="form row-form pad" {
                div class="field" {
                    label for="contact" { "Number" }
                    input type="tel" id="contact" name="contact" value=(contact) autocomplete="off";
                }
                button type="submit" class="button quiet" { "Play this one" }
            }
            @if !accounts.is_empty() {
                (form(person, "/sandbox/write", html! {
                    input type="hidden" name="contact" value=(contact);
                    (choices(accounts, "write-account"))
                    div class="field" {
                        label for="text" { "It writes" }
                        input type="text" id="text" name="text" required autocomplete="off" placeholder="Got it!";
                    }
                    button type="submit" class="button quiet" { (icon(Icon::Send)) span { "Write" } }
                }))
            }
            (form(person, "/sandbox/contact", html! {
                input type="hidden" name="contact" value=(contact);
                (tick("registered", "has WhatsApp"))
                (tick("online", "is reachable"))
                (tick("autoRead", "reads what arrives"))
                button type="submit" class="button quiet" { "Behave so" }
            }))
        }
    }
}

fn break_link(person: &Person, contact: &str, accounts: &[(String, String)]) -> Markup {
    html! {
        section class="card" {
            header class="card-head" { h2 { "Break the link" } }
            @if accounts.is_empty() {
                p class="quiet-text pad" { "Link a device first." }
            } @else {
                (form(person, "/sandbox/fault", html! {
                    input type="hidden" name="contact" value=(contact);
                    (choices(accounts, "fault-account"))
                    ul class="faults" {
                        @for (kind, symbol, label, text) in FAULTS {
                            li {
                                button type="submit" name="kind" value=(kind) class="button quiet" { (icon(symbol)) span { (label) } }
                                p class="quiet-text" { (text) }
                            }
                        }
                    }
                }))
            }
        }
    }
}
