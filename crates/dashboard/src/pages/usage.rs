//! `/usage`: what is used of the plan, and what became of the messages.

use actix_web::web;
use maud::{Markup, html};
use postern_domain::Day;

use crate::Dashboard;
use crate::answer::{Answer, page};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::guard::Person;
use crate::view::layout::{Place, shell};
use crate::view::parts::heading;
use crate::view::usage::{figures, quota};

/// For how many days the numbers can be shown; the first is shown unless told.
const RANGES: [i64; 3] = [30, 7, 90];

/// `GET /usage`
pub(crate) async fn show(dashboard: web::Data<Dashboard>, person: Person, fields: Fields) -> Answer {
    let (workspace, now) = (person.workspace(), dashboard.clock.now());
    let asked = fields.get("days").parse().ok();
    let range = asked.filter(|days| RANGES.contains(days)).unwrap_or(RANGES[0]);
    let usage = dashboard
        .store
        .usage(workspace, now)
        .await?
        .ok_or(Failure::NotFound)?;
    let plan = dashboard
        .store
        .workspace(workspace)
        .await?
        .ok_or(Failure::NotFound)?
        .plan;
    let today = Day::of(now);
    let days = today.plus(1 - range)..=today;
    let summary = dashboard.store.summary(workspace, None, days.clone()).await?;
    let body = html! {
        (heading("Usage", html! {}, html! {}))
        (quota(&usage, &plan))
        div class="split-head" {
            h2 { "What became of the messages" }
            (tabs(range))
        }
        (figures(&days, &summary))
        p class="quiet-text" { "Days are those of UTC. A message belongs to the day it was accepted or received on." }
    };
    page(shell(&person, Place::Usage, "Usage", body))
}

fn tabs(chosen: i64) -> Markup {
    let mut ranges = RANGES;
    ranges.sort_unstable();
    html! {
        nav class="tabs" aria-label="Of how many days" {
            @for days in ranges {
                a class="tab" href={ "/usage?days=" (days) } aria-current=[(days == chosen).then_some("true")] { (days) " days" }
            }
        }
    }
}
