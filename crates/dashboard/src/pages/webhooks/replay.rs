//! Sending events to an endpoint again: one, those of a time, or all that were given up.

use actix_web::web;
use maud::html;
use postern_domain::{EventId, Timestamp};
use postern_store::ReplayRequest;

use super::webhook_id;
use crate::Dashboard;
use crate::answer::{Answer, see};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::icon::Icon;
use crate::view::parts::{Question, moment};

/// `POST /webhooks/{id}/again`: one event.
pub(crate) async fn again(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let event: EventId = fields
        .get("event")
        .parse()
        .map_err(|_not_an_id| Failure::Unreadable("It names no event."))?;
    dashboard
        .send_again(&person, &id, ReplayRequest::Event(event))
        .await?;
    see(format!("/webhooks/{id}/events/{event}?done=again"))
}

/// `POST /webhooks/{id}/replay`: those of a time, or all that were given up.
pub(crate) async fn replay(
    dashboard: web::Data<Dashboard>,
    person: Person,
    id: web::Path<String>,
    fields: Fields,
) -> Answer {
    let (from, until) = (time(&fields, "from")?, time(&fields, "until")?);
    let parked = fields.ticked("failed");
    if from.is_none() && !parked {
        return Err(Failure::Refused(
            "Say from when on events are to be sent again.".to_owned(),
        ));
    }
    if from.zip(until).is_some_and(|(from, until)| until <= from) {
        return Err(Failure::Refused(
            "The end has to be later than the beginning.".to_owned(),
        ));
    }
    let request = ReplayRequest::Range { from, until, parked };
    dashboard.send_again(&person, &id, request).await?;
    see(format!("/webhooks/{id}?done=replay"))
}

/// A moment that a form tells, if it does.
fn time(fields: &Fields, name: &str) -> Result<Option<Timestamp>, Failure> {
    fields
        .moment(name)
        .map_err(|()| Failure::Unreadable("A time in it cannot be read."))
}

/// Asks which events are to be sent again.
pub(super) fn asked(action: &str) -> Question<'_> {
    Question {
        action,
        id: "replay",
        label: "Send again",
        symbol: Icon::Refresh,
        title: "Send events again",
        text: "They come under the ids they had: whoever folds what comes again under the same webhook-id has to let them \
               through.",
        fields: html! {
            (moment("from", "Events that happened from", "Empty is from the beginning.", ""))
            (moment("until", "until", "Empty is now.", ""))
            label class="tick" {
                input type="checkbox" name="failed" value="1";
                span { "Only those that were given up" }
            }
        },
        is_grave: false,
    }
}

impl Dashboard {
    async fn send_again(&self, person: &Person, id: &str, request: ReplayRequest) -> Result<(), Failure> {
        let id = webhook_id(id)?;
        let details = match request {
            ReplayRequest::Event(event) => event.to_string(),
            ReplayRequest::Range { parked: true, .. } => "those given up".to_owned(),
            ReplayRequest::Range { .. } => "those of a time".to_owned(),
        };
        let act = self.act(person, "webhook.replay", id, details);
        let (store, now) = (self.store.acting(act), self.clock.now());
        store.replay_events(person.workspace(), id, request, now).await?;
        self.wakes.webhooks.ring();
        Ok(())
    }
}
