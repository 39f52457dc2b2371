//! How an endpoint does, in a word: what is worst about it.

use maud::{Markup, html};
use postern_domain::Timestamp;
use postern_domain::webhook::DisableReason;
use postern_store::{Backlog, Webhook};

use crate::view::icon::{Icon, icon};

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    /// What is worst about it.
    pub(crate) state: State,
    /// What it has still to get.
    pub(crate) backlog: Backlog,
}

/// What is worst about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is delivered, since then.
    Disabled(DisableReason, Timestamp),
    /// It only failed, and is left alone until then.
    Resting(Timestamp),
    /// The last try failed.
    Failing,
    /// Some events were given up.
    Parked,
    /// The last try succeeded.
    Delivering,
    /// Nothing was tried yet.
    New,
}

impl Health {
    /// Of this endpoint now.
    pub(crate) fn of(webhook: &Webhook, backlog: Backlog, now: Timestamp) -> Self {
        let resting = webhook.rest_until.filter(|until| now < *until);
        let state = match (webhook.disabled, resting) {
            (Some((reason, since)), _) => State::Disabled(reason, since),
            (None, Some(until)) => State::Resting(until),
            (None, None) if webhook.failures > 0 => State::Failing,
            (None, None) if backlog.parked > 0 => State::Parked,
            (None, None) if webhook.last_success_at.is_some() => State::Delivering,
            (None, None) => State::New,
        };
        Self { state, backlog }
    }

    /// The class that gives it its colour.
    pub(crate) fn class(&self) -> &'static str {
        match self.state {
            State::Disabled(DisableReason::Operator, _) | State::New => "idle",
            State::Disabled(..) => "bad",
            State::Resting(_) | State::Failing | State::Parked => "warn",
            State::Delivering => "good",
        }
    }

    /// Its icon.
    pub(crate) fn symbol(&self) -> Icon {
        match self.state {
            State::Disabled(DisableReason::Operator, _) => Icon::Pause,
            State::Disabled(..) => Icon::Ban,
            State::Resting(_) | State::Failing => Icon::Refresh,
            State::Parked => Icon::Alert,
            State::Delivering => Icon::Check,
            State::New => Icon::Clock,
        }
    }

    /// Its name.
    pub(crate) fn word(&self) -> &'static str {
        match self.state {
            State::Disabled(DisableReason::Operator, _) => "paused",
            State::Disabled(..) => "disabled",
            State::Resting(_) | State::Failing => "failing",
            State::Parked => "gave up some",
            State::Delivering => "delivering",
            State::New => "nothing sent yet",
        }
    }

    /// What it means and what to do.
    pub(crate) fn meaning(&self) -> &'static str {
        match self.state {
            State::Disabled(DisableReason::Operator, _) => {
                "Nothing is delivered. Events are kept for it as long as the gateway keeps events."
            }
            State::Disabled(reason, _) => reason.meaning(),
            State::Resting(_) => {
                "It only failed lately, so it is left alone for a while. Nothing is lost: what failed comes again."
            }
            State::Failing => "The last try failed. What failed comes again, as long as the schedule says.",
            State::Parked => {
                "It works, but some events were given up before. Send them again when it suits you."
            }
            State::Delivering => "The last try succeeded.",
            State::New => "It gets the events that happen from now on. Send a test to see that it answers.",
        }
    }

    /// Whether somebody has to do something about it.
    pub(crate) fn needs_somebody(&self) -> bool {
        match self.state {
            State::Disabled(reason, _) => reason != DisableReason::Operator,
            State::Resting(_) | State::Failing | State::Parked => true,
            State::Delivering | State::New => false,
        }
    }

    /// As a word with an icon.
    pub(crate) fn badge(&self) -> Markup {
        html! { span class={ "badge " (self.class()) } { (icon(self.symbol())) span { (self.word()) } } }
    }
}
