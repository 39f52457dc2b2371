//! `/devices/{id}/pacing`: how fast a device may send.

use std::time::Duration;

use actix_web::web;
use maud::{Markup, html};
use postern_domain::{FieldProblem, Pacing, QuietHours};
use postern_store::{Device, DeviceChange};

use super::device_id;
use crate::Dashboard;
use crate::answer::{Answer, page, refused, see};
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::device::title;
use crate::view::icon::{Icon, icon};
use crate::view::layout::{Place, shell};
use crate::view::parts::{Field, field, form, heading, under};

/// `GET /devices/{id}/pacing`
pub(crate) async fn pacing(dashboard: web::Data<Dashboard>, person: Person, id: web::Path<String>) -> Answer {
    let device = dashboard.device(person.workspace(), device_id(&id)?).await?;
    let default = dashboard.config.default_pacing;
    let fields = fields_of(&device.pacing.unwrap_or(default), device.pacing.is_some());
    page(ask(&person, &device, &default, &fields, &[]))
}

/// `POST /devices/{id}/pacing`
pub(crate) async fn change_pacing(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let id = device_id(&id)?;
    let device = dashboard.device(person.workspace(), id).await?;
    let wanted = if fields.get("own") == "1" {
        match read(&fields) {
            Ok(pacing) => Some(pacing),
            Err(problems) => {
                let default = dashboard.config.default_pacing;
                return refused(ask(&person, &device, &default, &fields, &problems));
            }
        }
    } else {
        None
    };
    let change = DeviceChange {
        pacing: Some(wanted),
        ..DeviceChange::default()
    };
    let store = dashboard.acting(&person, "device.pacing", id);
    store.change_device(person.workspace(), id, change).await?;
    dashboard.wakes.devices.ring();
    dashboard.wakes.outbox.ring(&id);
    see(format!("/devices/{id}?done=paced"))
}

fn read(fields: &Fields) -> Result<Pacing, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let mut number = |name: &'static str| match fields.get(name) {
        "" => None,
        text => text.parse::<u32>().map_or_else(
            |_not_a_number| {
                problems.push(FieldProblem::new(name, "must be a whole number"));
                None
            },
            Some,
        ),
    };
    let (per_minute, burst) = (number("messagesPerMinute"), number("burst").unwrap_or(1));
    let (jitter, typing) = (
        number("jitterPercent").unwrap_or(0),
        number("typingMs").unwrap_or(0),
    );
    let strangers = number("newRecipientsPerDay");
    let quiet_hours = match (fields.get("from"), fields.get("until")) {
        ("", "") => None,
        (from, until) => {
            let quiet = QuietHours::minute(from).zip(QuietHours::minute(until));
            if quiet.is_none() {
                problems.push(FieldProblem::new(
                    "from",
                    "must have a beginning and an end, like 22:00 and 07:00",
                ));
            }
            quiet.map(|(from, until)| QuietHours { from, until })
        }
    };
    let time_zone = fields.get("timeZone").parse().unwrap_or_else(|_unknown| {
        problems.push(FieldProblem::new(
            "timeZone",
            "must be the name of a time zone, like Europe/Berlin",
        ));
        Pacing::OFF.time_zone
    });
    let pacing = Pacing {
        per_minute,
        burst,
        jitter_percent: jitter,
        new_recipients_per_day: strangers,
        quiet_hours,
        typing: Duration::from_millis(typing.into()),
        time_zone,
    };
    problems.extend(pacing.problems());
    if problems.is_empty() {
        Ok(pacing)
    } else {
        Err(problems)
    }
}

fn fields_of(pacing: &Pacing, is_own: bool) -> Fields {
    let optional = |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
    let quiet = |of: fn(QuietHours) -> u16| {
        pacing
            .quiet_hours
            .map_or_else(String::new, |quiet| QuietHours::text(of(quiet)))
    };
    let fields = [
        ("own", if is_own { "1".to_owned() } else { String::new() }),
        ("messagesPerMinute", optional(pacing.per_minute)),
        ("burst", pacing.burst.to_string()),
        ("jitterPercent", pacing.jitter_percent.to_string()),
        ("newRecipientsPerDay", optional(pacing.new_recipients_per_day)),
        ("from", quiet(|quiet| quiet.from)),
        ("until", quiet(|quiet| quiet.until)),
        ("typingMs", pacing.typing.as_millis().to_string()),
        ("timeZone", pacing.time_zone.name().to_owned()),
    ];
    fields.into_iter().collect()
}

/// A number that can be set: its name, what it is called, what it means, and its range.
type Setting = (
    &'static str,
    &'static str,
    &'static str,
    [(&'static str, &'static str); 2],
);

const SETTINGS: [Setting; 5] = [
    (
        "messagesPerMinute",
        "Messages a minute",
        "Empty is no limit.",
        [("min", "1"), ("max", "6000")],
    ),
    (
        "burst",
        "At once after a pause",
        "So many may leave without a gap.",
        [("min", "1"), ("max", "1000")],
    ),
    (
        "jitterPercent",
        "Jitter, in percent",
        "A gap may be longer by so much, at random: people do not write by the clock.",
        [("min", "0"), ("max", "200")],
    ),
    (
        "newRecipientsPerDay",
        "New people a day",
        "People never written to before. Accounts are banned for writing to many strangers. Empty is no limit.",
        [("min", "0"), ("max", "1000000")],
    ),
    (
        "typingMs",
        "Typing before a message, in milliseconds",
        "The account is shown as typing for so long.",
        [("min", "0"), ("max", "10000")],
    ),
];

fn ask(
    person: &Person,
    device: &Device,
    default: &Pacing,
    fields: &Fields,
    problems: &[FieldProblem],
) -> Markup {
    let problem = |name: &str| {
        let found = problems.iter().find(|problem| problem.field == name);
        found.map(|problem| problem.message.as_str())
    };
    let defaults = fields_of(default, false);
    let name = title(device);
    let is_own = fields.get("own") == "1";
    let body = html! {
        a class="back" href={ "/devices/" (device.id) } { (name) }
        (heading("Pacing", html! { p class="quiet-text" { "How fast " (name) " may send. Pacing only delays, to protect the account." } }, html! {}))
        section class="card narrow" {
            (form(person, &format!("/devices/{}/pacing", device.id), html! {
                fieldset class="choices" {
                    legend { "Which pacing?" }
                    label class="tick" { input type="radio" name="own" value="all" checked[!is_own]; span { "The gateway's default" } }
                    label class="tick" { input type="radio" name="own" value="1" checked[is_own]; span { "Its own:" } }
                }
                div class="own-fields" {
                @for (name, label, hint, range) in SETTINGS {
                    @let default = match defaults.get(name) { "" => "no limit", value => value };
                    @let hint = format!("{hint} The default is {default}.");
                    (field(&Field { name, label, hint: &hint, error: problem(name) }, "number", fields.get(name), &range))
                }
                (quiet(fields, problem("from")))
                (field(&Field { name: "timeZone", label: "Time zone", hint: "Whose days and hours count.", error: problem("timeZone") },
                    "text", fields.get("timeZone"), &[("autocomplete", "off"), ("required", "required")]))
                }
                div class="actions" {
                    button type="submit" class="button primary" data-once { (icon(Icon::Check)) span { "Save" } }
                    a class="button quiet" href={ "/devices/" (device.id) } { "Not now" }
                }
            }))
        }
    };
    shell(person, Place::Devices, "Pacing", body)
}

fn quiet(fields: &Fields, error: Option<&str>) -> Markup {
    let said = Field {
        name: "from",
        label: "",
        hint: "Nothing leaves meanwhile; it may span midnight. Empty is never.",
        error,
    };
    html! {
        fieldset class="choices" {
            legend { "Quiet hours" }
            div class="pair" {
                div class="field" {
                    label for="from" { "from" }
                    input type="time" id="from" name="from" value=(fields.get("from")) aria-describedby="from-hint";
                }
                div class="field" {
                    label for="until" { "until" }
                    input type="time" id="until" name="until" value=(fields.get("until")) aria-describedby="from-hint";
                }
            }
            (under(&said))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_shows_is_what_it_says() {
        let pacing = Pacing {
            per_minute: Some(20),
            burst: 5,
            jitter_percent: 30,
            new_recipients_per_day: None,
            quiet_hours: Some(QuietHours {
                from: 1_320,
                until: 420,
            }),
            typing: Duration::from_millis(1_500),
            time_zone: Pacing::OFF.time_zone,
        };
        assert_eq!(read(&fields_of(&pacing, true)), Ok(pacing));
        let wrong = Fields::parse(b"messagesPerMinute=0&burst=many&from=22:00&timeZone=Here");
        let named = read(&wrong).map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| problem.field)
                .collect::<Vec<_>>()
        });
        let expected = ["burst", "from", "timeZone", "messagesPerMinute"];
        assert_eq!(named, Err(expected.map(str::to_owned).to_vec()));
    }
}
