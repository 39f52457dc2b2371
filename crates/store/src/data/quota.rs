//! Quotas: how many messages a workspace may accept in a calendar month (UTC), counted where they are accepted.
//!
//! The count stands in the row of the workspace, which is read and written once in a commit. Whether the workspace is active
//! is looked up with it: so nothing is accepted after it was deactivated, whoever asks and whatever they had looked at.

use postern_domain::event::EventPayload;
use postern_domain::{EventType, Period, Timestamp, WorkspaceId};
use rusqlite::Connection;

use super::records::Refusal;
use super::tables::events;
use super::tables::workspaces::Month;
use super::tally::Tally;
use crate::StoreError;

/// The percentages of the limit that are warned of, each once a month.
const WARNINGS: [u8; 2] = [80, 100];

/// The messages a workspace may accept in a month are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaExceeded {
    /// How many it may accept.
    pub limit: u64,
    /// How many it has accepted.
    pub used: u64,
    /// When counting begins anew.
    pub resets_at: Timestamp,
}

/// What of some messages may be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// The first so many of them.
    pub(super) messages: usize,
    /// Why no more.
    pub(super) exceeded: QuotaExceeded,
}

/// How many of `wanted` messages may be accepted now, if not all; counts none.
pub(super) fn room(month: Month, wanted: usize, now: Timestamp) -> Option<Room> {
    Counting::begin(month, now).room(whole(wanted))
}

/// Counts messages that are accepted, all or none of them. None are while the workspace is deactivated.
pub(super) fn take(
    tx: &Connection,
    tally: &Tally,
    workspace: WorkspaceId,
    messages: usize,
    now: Timestamp,
) -> Result<Result<(), Refusal>, StoreError> {
    if let Some(reason) = tally.deactivated(tx, workspace)? {
        return Ok(Err(Refusal::Deactivated(reason)));
    }
    let (period, messages) = (Period::of(now), whole(messages));
    let mut counting = Counting::begin(tally.month(tx, workspace)?, now);
    if let Some(room) = counting.room(messages) {
        return Ok(Err(Refusal::QuotaExceeded(room.exceeded)));
    }
    for percent in counting.add(messages) {
        let warning = EventPayload::Quota {
            period: period.to_string(),
            used: counting.month.used,
            limit: counting.month.limit.unwrap_or(u64::MAX),
            percent: percent.into(),
        };
        events::append_of_workspace(tx, tally, workspace, EventType::QuotaWarning, &warning, now)?;
    }
    tally.set_month(tx, workspace, counting.month)?;
    Ok(Ok(()))
}

/// Whether what is counted is of this period.
///
/// The next one counts as well: a clock that was set back does not give a month twice. What a clock that was far ahead has
/// left does not.
pub(super) fn counts_for(month: &Month, period: Period) -> bool {
    (period.number()..=period.number() + 1).contains(&month.number)
}

fn whole(messages: usize) -> u64 {
    u64::try_from(messages).unwrap_or(u64::MAX)
}

/// A month while it is looked at.
struct Counting {
    month: Month,
    resets_at: Timestamp,
}

impl Counting {
    fn begin(mut month: Month, now: Timestamp) -> Self {
        let period = Period::of(now);
        if !counts_for(&month, period) {
            month = Month {
                number: period.number(),
                limit: month.limit,
                ..Month::default()
            };
        }
        Self {
            month,
            resets_at: period.end(),
        }
    }

    fn room(&self, wanted: u64) -> Option<Room> {
        let (limit, used) = (self.month.limit?, self.month.used);
        let left = limit.saturating_sub(used);
        (wanted > left).then_some(Room {
            messages: usize::try_from(left).unwrap_or(usize::MAX),
            exceeded: QuotaExceeded {
                limit,
                used,
                resets_at: self.resets_at,
            },
        })
    }

    /// Counts messages there is room for; answers the percentages that are reached by it.
    fn add(&mut self, messages: u64) -> Vec<u8> {
        let month = &mut self.month;
        month.used += messages;
        if month.used < month.look_at {
            return Vec::new();
        }
        let Some(limit) = month.limit else {
            month.look_at = u64::MAX;
            return Vec::new();
        };
        let reached = |percent: &u8| month.used >= share(limit, *percent);
        let due: Vec<u8> = WARNINGS
            .into_iter()
            .filter(|percent| *percent > month.warned && reached(percent))
            .collect();
        month.warned = due.last().copied().unwrap_or(month.warned);
        let next = WARNINGS.into_iter().find(|percent| *percent > month.warned);
        month.look_at = next.map_or(limit.saturating_add(1), |percent| share(limit, percent));
        due
    }
}

/// That percentage of the limit, rounded up.
fn share(limit: u64, percent: u8) -> u64 {
    let share = (u128::from(limit) * u128::from(percent)).div_ceil(100);
    u64::try_from(share).unwrap_or(u64::MAX)
}
