//! Whose turn it is: taking messages from the outbox, and making them due.

use std::collections::BTreeMap;
use std::time::Duration;

use postern_domain::{DeviceId, MessageStatus, ParkReason, Timestamp};
use rusqlite::Connection;

use super::parked;
use super::record::Change;
use super::records::{Claimed, FirstContacts};
use super::store::Store;
use super::tables::outbox::{ANY_TIME, Entry, Lane};
use super::tables::{devices, messages, outbox, recipients, timeline};
use super::tally::{Place, Tally};
use crate::StoreError;

/// The least and the most ready rows that are looked at to find some that may go. What is met and may not
/// go is moved out of the way, so the next claim does not meet it again.
const LOOK: std::ops::RangeInclusive<usize> = 32..=4_096;

impl Store {
    /// Takes up to `limit` messages whose turn it is and marks them `processing`, in the order of acceptance.
    ///
    /// A message that waits for its retry holds back later ones of its chat. One without a word from the
    /// server by `ack_deadline` comes again, with the same stanza id. Messages that were accepted for another
    /// account than the one the device is linked to now are parked. A device that is not linked, or whose workspace is
    /// deactivated, has none to take.
    ///
    /// Where very many messages are held back, a call may find none although [`Store::next_due`] says `now`;
    /// the next one goes on from there.
    ///
    /// # Errors
    /// The store failed; nothing was claimed.
    pub async fn claim(
        &self,
        device: DeviceId,
        limit: usize,
        ack_deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.claim_paced(device, limit, None, ack_deadline, now).await
    }

    /// The same with a cap on people the account never wrote to: a message to one more waits for the next day.
    ///
    /// # Errors
    /// The store failed; nothing was claimed.
    pub async fn claim_paced(
        &self,
        device: DeviceId,
        limit: usize,
        first_contacts: Option<FirstContacts>,
        ack_deadline: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.write_counted(move |tx, tally| {
            let change = Change::new(tx, tally, device, now);
            claim(change, limit, first_contacts, ack_deadline)
        })
        .await
    }

    /// Writes down until when pacing keeps a device from sending, and the gap between messages from then on; for those
    /// who ask when a message will leave.
    ///
    /// # Errors
    /// The store failed.
    pub async fn set_paced(
        &self,
        device: DeviceId,
        paced: Option<(Timestamp, Duration)>,
    ) -> Result<(), StoreError> {
        self.database
            .write(move |tx| devices::set_paced(tx, device, paced))
            .await
    }

    /// Makes everything in flight due at once: its connection is gone and the outcome unknown.
    ///
    /// # Errors
    /// The store failed.
    pub async fn release_claims(&self, device: DeviceId, now: Timestamp) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| outbox::release(tx, device, now))
            .await
    }

    /// Lets messages go at once that wait for their next attempt: what kept them back may have been the connection.
    ///
    /// # Errors
    /// The store failed.
    pub async fn hasten_retries(&self, device: DeviceId, now: Timestamp) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| outbox::hasten(tx, device, now))
            .await
    }

    /// When the next message of the device can be claimed, a time long past if it can be now; `None` when none waits that
    /// could, or when its workspace is deactivated.
    ///
    /// # Errors
    /// The store failed.
    pub async fn next_due(&self, device: DeviceId) -> Result<Option<Timestamp>, StoreError> {
        self.database
            .read(move |connection| {
                if devices::is_held(connection, device)? {
                    return Ok(None);
                }
                outbox::next_due(connection, device)
            })
            .await
    }

    /// Moves scheduled messages whose time has come into the outbox's ready lane; answers their devices.
    ///
    /// # Errors
    /// The store failed.
    pub async fn promote_scheduled(&self, now: Timestamp, limit: usize) -> Result<Vec<DeviceId>, StoreError> {
        self.write_counted(move |tx, tally| promote(tx, tally, now, limit))
            .await
    }
}

pub(super) fn claim(
    change: Change<'_>,
    limit: usize,
    first_contacts: Option<FirstContacts>,
    ack_deadline: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let Change { tx, device, now, .. } = change;
    let Some(account) = devices::sending_account(tx, device)? else {
        return Ok(Vec::new());
    };
    let mut turn = Turn {
        change,
        account,
        // A deadline that has passed already would make the same messages due again at once.
        deadline: ack_deadline.max(now.after(Duration::from_millis(1))),
        limit,
        firsts: first_contacts
            .map(|firsts| Firsts::begin(tx, device, firsts))
            .transpose()?,
        claimed: BTreeMap::new(),
    };
    turn.take_due()?;
    turn.take_ready()?;
    if let Some(firsts) = &turn.firsts {
        firsts.end(tx, device)?;
    }
    Ok(turn.claimed.into_values().collect())
}

pub(super) fn promote(
    tx: &Connection,
    tally: &Tally,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DeviceId>, StoreError> {
    let mut promoted = Vec::new();
    for (device, seq) in outbox::scheduled_until(tx, now, limit)? {
        outbox::shift(tx, device, seq, (Lane::Scheduled, Lane::Ready), now)?;
        if let Some(mut known) = messages::by_seq(tx, seq)? {
            let change = Change::new(tx, tally, device, now);
            change.apply(&mut known, MessageStatus::Queued, None, "")?;
        }
        promoted.push(device);
    }
    promoted.sort_unstable();
    promoted.dedup();
    Ok(promoted)
}

/// One claim at work.
struct Turn<'tx> {
    change: Change<'tx>,
    /// The account the device is linked to now.
    account: i64,
    deadline: Timestamp,
    limit: usize,
    firsts: Option<Firsts>,
    claimed: BTreeMap<i64, Claimed>,
}

/// People written to for the first time today.
struct Firsts {
    cap: FirstContacts,
    /// As stored, and as it is now.
    count: (u32, u32),
}

impl Firsts {
    fn begin(tx: &Connection, device: DeviceId, cap: FirstContacts) -> Result<Self, StoreError> {
        let count = devices::first_contacts(tx, device, cap.until)?;
        Ok(Self {
            cap,
            count: (count, count),
        })
    }

    fn end(&self, tx: &Connection, device: DeviceId) -> Result<(), StoreError> {
        if self.count.0 == self.count.1 {
            return Ok(());
        }
        devices::set_first_contacts(tx, device, self.count.1, self.cap.until)
    }

    /// Whether the account may write to the chat today; counts it when it does for the first time.
    fn admit(&mut self, tx: &Connection, account: i64, chat: &str) -> Result<bool, StoreError> {
        if recipients::is_known(tx, account, chat)? {
            return Ok(true);
        }
        if self.count.1 >= self.cap.per_day {
            return Ok(false);
        }
        self.count.1 += 1;
        recipients::note(tx, account, chat)?;
        Ok(true)
    }
}

impl Turn<'_> {
    fn full(&self) -> bool {
        self.claimed.len() >= self.limit
    }

    /// Retries whose time has come and attempts without an answer, and what they let through.
    fn take_due(&mut self) -> Result<(), StoreError> {
        let Change { tx, device, now, .. } = self.change;
        while !self.full() {
            let mut due: BTreeMap<i64, Entry> = outbox::due(tx, device, now, self.limit)?
                .into_iter()
                .map(|entry| (entry.seq, entry))
                .collect();
            if due.is_empty() {
                return Ok(());
            }
            while !self.full()
                && let Some((_, entry)) = due.pop_first()
            {
                if self.is_of_other_account(&entry) {
                    parked::park(self.change, &entry, None, ParkReason::OtherAccount)?;
                } else if entry.lane == Lane::Waiting
                    && let Some(tomorrow) = self.is_for_tomorrow(&entry)?
                {
                    outbox::shift(tx, device, entry.seq, (entry.lane, Lane::Waiting), tomorrow)?;
                    continue;
                } else if entry.lane == Lane::InFlight && self.is_held(&entry)? {
                    self.give_up_attempt(&entry)?;
                    outbox::shift(tx, device, entry.seq, (entry.lane, Lane::Behind), now)?;
                } else {
                    self.take(&entry)?;
                }
                if entry.lane == Lane::Waiting
                    && let Some(next) = outbox::advance(tx, device, &entry.chat)?
                    && next.due_at <= now
                {
                    due.insert(next.seq, next);
                }
            }
        }
        Ok(())
    }

    /// What waits for its first attempt, in the order of acceptance.
    fn take_ready(&mut self) -> Result<(), StoreError> {
        let Change { tx, device, .. } = self.change;
        if self.full() {
            return Ok(());
        }
        let any_held = outbox::any_held(tx, device)?;
        let mut looked_at = 0;
        while !self.full() && looked_at < *LOOK.end() {
            let wanted = self.limit - self.claimed.len();
            let entries = outbox::ready(tx, device, wanted.clamp(*LOOK.start(), *LOOK.end()))?;
            if entries.is_empty() {
                break;
            }
            for entry in entries {
                if self.full() {
                    break;
                }
                looked_at += 1;
                if self.is_of_other_account(&entry) {
                    parked::park(self.change, &entry, None, ParkReason::OtherAccount)?;
                } else if (any_held || self.firsts.is_some()) && self.is_held(&entry)? {
                    outbox::shift(tx, device, entry.seq, (entry.lane, Lane::Behind), ANY_TIME)?;
                } else if let Some(tomorrow) = self.is_for_tomorrow(&entry)? {
                    outbox::shift(tx, device, entry.seq, (entry.lane, Lane::Waiting), tomorrow)?;
                } else {
                    self.take(&entry)?;
                }
            }
        }
        Ok(())
    }

    fn is_of_other_account(&self, entry: &Entry) -> bool {
        entry.account.is_some_and(|account| account != self.account)
    }

    /// When a message may leave whose recipient was never written to, if not today.
    fn is_for_tomorrow(&mut self, entry: &Entry) -> Result<Option<Timestamp>, StoreError> {
        let Some(firsts) = &mut self.firsts else {
            return Ok(None);
        };
        let admitted = firsts.admit(self.change.tx, self.account, &entry.chat)?;
        Ok((!admitted).then_some(firsts.cap.until))
    }

    /// Whether an earlier message of the chat waits.
    fn is_held(&self, entry: &Entry) -> Result<bool, StoreError> {
        let first = outbox::first_held(self.change.tx, self.change.device, &entry.chat)?;
        Ok(first.is_some_and(|first| first.seq < entry.seq))
    }

    /// An attempt that nobody answered is over; its outcome stays unknown.
    fn give_up_attempt(&self, entry: &Entry) -> Result<(), StoreError> {
        if let Some(mut known) = messages::by_seq(self.change.tx, entry.seq)? {
            self.change
                .apply(&mut known, MessageStatus::Retrying, None, UNANSWERED)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Change {
            tx,
            tally,
            device,
            now,
        } = self.change;
        let mut steps = Vec::new();
        if entry.lane == Lane::InFlight {
            steps.extend(timeline::step(MessageStatus::Retrying, now, UNANSWERED));
        }
        steps.extend(timeline::step(MessageStatus::Processing, now, ""));
        outbox::shift(tx, device, entry.seq, (entry.lane, Lane::InFlight), self.deadline)?;
        if let Some((claimed, workspace, before)) = messages::begin_attempt(tx, entry.seq, &steps, now)? {
            let place = Place::of(workspace, device, claimed.accepted_at);
            tally.moved(place, (before, MessageStatus::Processing), now, now);
            self.claimed.insert(entry.seq, claimed);
        }
        Ok(())
    }
}

/// In the timeline of a message that is attempted again.
pub(super) const UNANSWERED: &str = "no answer from WhatsApp";
