//! `postern webhooks show`.

use postern_domain::Timestamp;
use postern_domain::webhook::DisableReason;
use postern_runtime::{Clock as _, SystemClock};

use super::find;
use super::list::state;
use crate::cli::ShowWebhook;
use crate::client::Client;
use crate::client::webhooks::Webhook;
use crate::print::{ago, print, printable};

pub(super) async fn run(client: &Client, flags: &ShowWebhook) -> anyhow::Result<()> {
    let webhook = find::webhook(client, &flags.webhook).await?;
    let text = if flags.json {
        format!("{}\n", client.webhook_json(&webhook.id).await?.get())
    } else {
        lines(&webhook, SystemClock.now())
    };
    Ok(print(&text)?)
}

fn lines(webhook: &Webhook, now: Timestamp) -> String {
    let when = |time: &String| format!("{time}, {}", ago(time, now));
    let health = &webhook.health;
    let failing = |since| format!("{} times in a row since {}", health.failures, when(since));
    let events = format!(
        "{} waiting for another try, {} parked",
        health.waiting, health.parked
    );
    let disabled = webhook.disabled.as_ref();
    let known = [
        ("id", Some(webhook.id.clone())),
        ("url", Some(webhook.url.clone())),
        (
            "description",
            Some(webhook.description.clone()).filter(|text| !text.is_empty()),
        ),
        ("state", Some(state(webhook))),
        ("since", disabled.map(|disabled| when(&disabled.since))),
        ("types", Some(webhook.event_types.join(", "))),
        (
            "devices",
            Some(
                webhook
                    .device_ids
                    .as_ref()
                    .map_or("all".to_owned(), |ids| ids.join(", ")),
            ),
        ),
        (
            "headers",
            Some(webhook.header_names.join(", ")).filter(|names| !names.is_empty()),
        ),
        (
            "ordered",
            Some(if webhook.ordered { "yes" } else { "no" }.to_owned()),
        ),
        (
            "rate cap",
            webhook.rate_cap.map(|rate| format!("{rate} a minute")),
        ),
        (
            "verified",
            Some(webhook.verified_at.as_ref().map_or("never".to_owned(), when)),
        ),
        (
            "old secret",
            webhook
                .previous_secret_until
                .as_ref()
                .map(|until| format!("signs until {until}")),
        ),
        ("last success", health.last_success_at.as_ref().map(when)),
        ("last failure", health.last_failure_at.as_ref().map(when)),
        ("failed", health.failing_since.as_ref().map(failing)),
        ("tried again", health.resting_until.clone()),
        ("events", Some(events)),
        ("created", Some(when(&webhook.created_at))),
        ("what to do", advice(webhook)),
    ];
    known
        .into_iter()
        .filter_map(|(title, value)| Some(format!("{title:14}{}\n", printable(&value?))))
        .collect()
}

fn advice(webhook: &Webhook) -> Option<String> {
    let id = &webhook.id;
    if let Some(disabled) = &webhook.disabled {
        let reason = DisableReason::ALL
            .into_iter()
            .find(|reason| reason.name() == disabled.reason);
        let meaning = reason.map_or("It is disabled.", DisableReason::meaning);
        return Some(format!("{meaning} Run `postern webhooks enable {id}`."));
    }
    if webhook.health.failing_since.is_some() {
        return Some(format!("See why with `postern webhooks attempts {id} --failed`."));
    }
    (webhook.health.parked > 0)
        .then(|| format!("Send the parked events again with `postern webhooks replay {id} --failed`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_line_by_line() {
        let json = serde_json::json!({
            "id": "whk_1", "url": "https://example.com/\u{1b}", "description": "", "eventTypes": ["*"],
            "deviceIds": null, "headerNames": ["X-A"], "ordered": true, "rateCap": 60,
            "disabled": { "reason": "gone", "since": "2026-12-01T11:00:00.000Z" }, "verifiedAt": null,
            "previousSecretUntil": null, "createdAt": "2026-11-01T12:00:00.000Z",
            "health": { "failingSince": "2026-12-01T10:00:00.000Z", "failures": 4, "restingUntil": null,
                        "lastSuccessAt": null, "lastFailureAt": "2026-12-01T11:00:00.000Z", "waiting": 1, "parked": 2 },
        });
        let webhook = serde_json::from_value(json).expect("an endpoint");
        let now = Timestamp::from_rfc3339("2026-12-01T12:00:00Z").expect("a time");
        let expected = "\
id            whk_1
url           https://example.com/\u{fffd}
state         disabled (gone)
since         2026-12-01T11:00:00.000Z, 1 h ago
types         *
devices       all
headers       X-A
ordered       yes
rate cap      60 a minute
verified      never
last failure  2026-12-01T11:00:00.000Z, 1 h ago
failed        4 times in a row since 2026-12-01T10:00:00.000Z, 2 h ago
events        1 waiting for another try, 2 parked
created       2026-11-01T12:00:00.000Z, 30 days ago
what to do    The endpoint answered 410 Gone: it wants no more events. Run `postern webhooks enable whk_1`.
";
        assert_eq!(lines(&webhook, now), expected);
    }
}
