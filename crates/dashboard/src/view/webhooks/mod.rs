//! Webhook endpoints: how each does, what was tried, and what is sent.

pub(crate) mod attempts;
pub(crate) mod delivery;
pub(crate) mod endpoint;
mod health;
pub(crate) mod list;

pub(crate) use self::health::Health;

use maud::{Markup, html};
use postern_domain::EventType;
use postern_domain::webhook::EventTypes;
use postern_store::{Attempt, Webhook};

use super::icon::{Icon, icon};
use crate::Dashboard;
use crate::failure::Failure;

/// How many endpoints are shown: a workspace cannot have more.
pub(crate) const MOST: usize = postern_store::MOST_WEBHOOKS as usize;

/// What an endpoint is called.
pub(crate) fn title(webhook: &Webhook) -> &str {
    if webhook.description.is_empty() {
        &webhook.url
    } else {
        &webhook.description
    }
}

/// Which events an endpoint gets, in a few words.
pub(crate) fn events_in_short(types: EventTypes) -> String {
    let chosen: Vec<_> = chosen(types).map(EventType::name).collect();
    match chosen.as_slice() {
        _ if types == EventTypes::ALL => "every event".to_owned(),
        [] => "no event".to_owned(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one}, {two}"),
        [first, rest @ ..] => format!("{first} and {} more types", rest.len()),
    }
}

/// The chosen types.
pub(crate) fn chosen(types: EventTypes) -> impl Iterator<Item = EventType> {
    EventType::ALL
        .into_iter()
        .filter(move |kind| types.include(*kind))
}

/// How a try ended, as a word with an icon.
pub(crate) fn outcome(attempt: &Attempt) -> Markup {
    html! {
        @match attempt.failure {
            None => span class="badge good" { (icon(Icon::Check)) span { @match attempt.status { Some(code) => (code), None => "delivered" } } },
            Some(failure) => span class="badge bad" { (icon(Icon::Alert)) span {
                (failure.name()) @if let Some(code) = attempt.status { " " (code) }
            } },
        }
    }
}

/// A duration as people read it: `85 ms`, `1.3 s`.
pub(crate) fn took(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

impl Dashboard {
    /// An endpoint of the workspace.
    pub(crate) async fn webhook(
        &self,
        workspace: postern_domain::WorkspaceId,
        id: postern_domain::WebhookId,
    ) -> Result<Webhook, Failure> {
        self.store.webhook(workspace, id).await?.ok_or(Failure::NotFound)
    }

    /// How an endpoint does now.
    pub(crate) async fn health(&self, webhook: &Webhook) -> Result<Health, Failure> {
        let backlog = self.store.webhook_backlog(webhook).await?;
        Ok(Health::of(webhook, backlog, self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_and_durations_are_told_in_few_words() {
        let some = |types: &[EventType]| events_in_short(EventTypes::only(types.iter().copied()));
        assert_eq!(events_in_short(EventTypes::ALL), "every event");
        assert_eq!(some(&[]), "no event");
        assert_eq!(some(&[EventType::MessageRead]), "message.read");
        let three = [
            EventType::MessageSent,
            EventType::MessageRead,
            EventType::QuotaWarning,
        ];
        assert_eq!(some(&three), "message.sent and 2 more types");
        assert_eq!(took(Duration::from_millis(85)), "85 ms");
        assert_eq!(took(Duration::from_millis(1_349)), "1.3 s");
    }
}
