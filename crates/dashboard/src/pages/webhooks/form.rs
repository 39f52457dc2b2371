//! The form that makes or changes an endpoint: how it looks, and what its fields say.

use std::collections::BTreeMap;

use maud::{Markup, html};
use postern_domain::webhook::{EVERY_TYPE, EventTypes, WebhookChecks};
use postern_domain::{DeviceId, EventType, FieldProblem};
use postern_store::{Device, Webhook};

use crate::Dashboard;
use crate::fields::Fields;
use crate::view::device::title;
use crate::view::parts::{Field, field, under};

/// What the form says, checked.
pub(super) struct Wanted {
    pub(super) url: String,
    pub(super) description: String,
    pub(super) event_types: EventTypes,
    pub(super) devices: Option<Vec<DeviceId>>,
    /// Those instead of those there were; `None` leaves them.
    pub(super) headers: Option<Vec<(String, String)>>,
    pub(super) rate_cap: Option<u32>,
    pub(super) ordered: bool,
    pub(super) skip_verification: bool,
}

impl Dashboard {
    /// Reads the form.
    ///
    /// # Errors
    /// Every field that is not acceptable.
    pub(super) fn wanted_webhook(&self, fields: &Fields) -> Result<Wanted, Vec<FieldProblem>> {
        let mut checks = WebhookChecks::default();
        let url = fields.get("url").to_owned();
        checks.url(&url, self.probe.as_ref());
        let every_type = fields.get("types") != "some";
        let names = if every_type {
            vec![EVERY_TYPE.to_owned()]
        } else {
            fields.all("type")
        };
        let devices = match (fields.get("devices"), fields.all("only")) {
            ("some", chosen) if chosen.is_empty() => {
                checks.refuse("deviceIds", "must be at least one, unless you choose all");
                None
            }
            ("some", chosen) => Some(checks.devices(&chosen)),
            _ => None,
        };
        let headers = headers(fields.raw("headers"), &mut checks);
        let rate_cap = match fields.get("rate") {
            "" => None,
            text => Some(text.parse().unwrap_or(0)),
        };
        let wanted = Wanted {
            url,
            description: checks.description(fields.get("description")),
            event_types: checks.event_types(&names),
            devices,
            headers: if fields.ticked("no-headers") {
                Some(Vec::new())
            } else {
                Some(checks.headers(headers)).filter(|headers| !headers.is_empty())
            },
            rate_cap: checks.rate_cap(rate_cap),
            ordered: fields.ticked("ordered"),
            skip_verification: checks
                .skip_verification(fields.ticked("skip"), self.config.unverified_webhooks),
        };
        checks.done()?;
        Ok(wanted)
    }
}

/// A header in each line, as `Name: value`.
fn headers(text: &str, checks: &mut WebhookChecks) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(':') {
            Some((name, value)) => {
                headers.insert(name.trim().to_owned(), value.trim().to_owned());
            }
            None => checks.refuse("headers", "must have a name, a colon and a value in each line"),
        }
    }
    headers
}

/// What the form shows at first: that of the endpoint that is changed.
pub(super) fn fields_of(webhook: &Webhook) -> Fields {
    let mut fields = vec![
        ("url", webhook.url.clone()),
        ("description", webhook.description.clone()),
    ];
    if webhook.event_types != EventTypes::ALL {
        fields.push(("types", "some".to_owned()));
        let chosen = crate::view::webhooks::chosen(webhook.event_types);
        fields.extend(chosen.map(|kind| ("type", kind.name().to_owned())));
    }
    if let Some(devices) = &webhook.devices {
        fields.push(("devices", "some".to_owned()));
        fields.extend(devices.iter().map(|id| ("only", id.to_string())));
    }
    if let Some(rate) = webhook.rate_cap {
        fields.push(("rate", rate.to_string()));
    }
    if webhook.ordered {
        fields.push(("ordered", "1".to_owned()));
    }
    fields.into_iter().collect()
}

/// What is around the form's fields.
pub(super) struct Around<'a> {
    /// What was sent, or is to be shown.
    pub(super) fields: &'a Fields,
    /// What is wrong with it.
    pub(super) problems: &'a [FieldProblem],
    /// The devices there are.
    pub(super) devices: &'a [Device],
    /// The endpoint that is changed.
    pub(super) present: Option<&'a Webhook>,
    /// Whether the challenge may be skipped.
    pub(super) may_skip: bool,
}

impl Around<'_> {
    /// What is wrong with a field, or with a part of it.
    fn problem(&self, name: &str) -> Option<&str> {
        let found = self.problems.iter().find(|problem| {
            let rest = problem.field.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
        });
        found.map(|problem| problem.message.as_str())
    }

    /// The fields.
    pub(super) fn inputs(&self) -> Markup {
        let url = Field {
            name: "url",
            label: "URL",
            hint: "It is asked at once whether it wants to be sent to: it has to answer a challenge with the token it carries.",
            error: self.problem("url"),
        };
        let description = Field {
            name: "description",
            label: "What do you call it?",
            hint: "",
            error: self.problem("description"),
        };
        let more = [
            ("required", "required"),
            ("autocomplete", "off"),
            ("maxlength", "2048"),
            ("placeholder", "https://example.com/hooks/whatsapp"),
        ];
        html! {
            (field(&url, "url", self.fields.get("url"), &more))
            (field(&description, "text", self.fields.get("description"), &[("maxlength", "200"), ("autocomplete", "off"), ("placeholder", "Order updates")]))
            (self.event_types())
            @if !self.devices.is_empty() || self.fields.get("devices") == "some" { (self.only_devices()) }
            details class="more-fields" open[self.is_special()] {
                summary { "Headers, pace and order" }
                (self.headers())
                (self.pace())
                @if self.may_skip {
                    label class="tick" {
                        input type="checkbox" name="skip" value="1" checked[self.fields.ticked("skip")];
                        span { "Do not challenge it" }
                    }
                }
            }
        }
    }

    fn is_special(&self) -> bool {
        ["headers", "rateCap", "skipVerification"]
            .iter()
            .any(|name| self.problem(name).is_some())
            || ["headers", "rate", "ordered"]
                .iter()
                .any(|name| self.fields.ticked(name))
    }

    fn event_types(&self) -> Markup {
        let some = self.fields.get("types") == "some";
        let chosen = self.fields.all("type");
        let said = Field {
            name: "types",
            label: "",
            hint: "",
            error: self.problem("eventTypes"),
        };
        html! {
            fieldset class="choices" {
                legend { "Which events?" }
                label class="tick" { input type="radio" name="types" value="all" checked[!some]; span { "All, also those of later releases" } }
                label class="tick" { input type="radio" name="types" value="some" checked[some]; span { "Only these:" } }
                div class="ticks" {
                    @for kind in EventType::ALL {
                        label class="tick" {
                            input type="checkbox" name="type" value=(kind) checked[chosen.iter().any(|name| name == kind.name())];
                            span { (kind) }
                        }
                    }
                }
                (under(&said))
            }
        }
    }

    fn only_devices(&self) -> Markup {
        let some = self.fields.get("devices") == "some";
        let chosen = self.fields.all("only");
        let present = self.present.iter().filter_map(|webhook| webhook.devices.as_ref());
        let gone = present
            .flatten()
            .filter(|id| !self.devices.iter().any(|device| device.id == **id));
        let said = Field {
            name: "only",
            label: "",
            hint: "",
            error: self.problem("deviceIds"),
        };
        html! {
            fieldset class="choices" {
                legend { "Of which devices?" }
                label class="tick" { input type="radio" name="devices" value="all" checked[!some]; span { "All, also those that are added later" } }
                label class="tick" { input type="radio" name="devices" value="some" checked[some]; span { "Only these:" } }
                div class="ticks" {
                    @for device in self.devices {
                        label class="tick" {
                            input type="checkbox" name="only" value=(device.id) checked[chosen.contains(&device.id.to_string())];
                            span { (title(device)) }
                        }
                    }
                    @for id in gone {
                        label class="tick" {
                            input type="checkbox" name="only" value=(id) checked[chosen.contains(&id.to_string())];
                            span { "a device that was removed" }
                        }
                    }
                }
                (under(&said))
            }
        }
    }

    fn headers(&self) -> Markup {
        let present: Vec<_> = self.present.iter().flat_map(|webhook| &webhook.headers).collect();
        let names: Vec<_> = present.iter().map(|(name, _)| name.as_str()).collect();
        let said = Field {
            name: "headers",
            label: "Headers of yours",
            hint: "One in each line, like Authorization: Bearer s3cret. Every request carries them; they are not shown again.",
            error: self.problem("headers"),
        };
        html! {
            div class="field" {
                label for="headers" { (said.label) }
                textarea id="headers" name="headers" rows="2" autocomplete="off" spellcheck="false"
                    aria-describedby=(crate::view::parts::described_by(&said)) {
                    (self.fields.raw("headers"))
                }
                (under(&said))
                @if !names.is_empty() {
                    p class="hint" { "Now there is " (names.join(", ")) ". What you write here takes the place of it; nothing leaves it." }
                    label class="tick" { input type="checkbox" name="no-headers" value="1"; span { "Remove them" } }
                }
            }
        }
    }

    fn pace(&self) -> Markup {
        let rate = Field {
            name: "rate",
            label: "At most so many a minute",
            hint: "Empty is no limit.",
            error: self.problem("rateCap"),
        };
        html! {
            (field(&rate, "number", self.fields.get("rate"), &[("min", "1"), ("max", "60000")]))
            label class="tick" {
                input type="checkbox" name="ordered" value="1" checked[self.fields.ticked("ordered")];
                span { "One after the other: the next event of a device waits until the one before it is delivered or given up" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_line_by_line() {
        let mut checks = WebhookChecks::default();
        let read = headers("Authorization: Bearer a:b\r\n\r\n X-Tenant:7 ", &mut checks);
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(read, [("Authorization", "Bearer a:b"), ("X-Tenant", "7")]);
        assert_eq!(checks.done(), Ok(()));
        let mut checks = WebhookChecks::default();
        headers("no colon", &mut checks);
        assert!(checks.done().is_err());
    }
}
