//! What is learned about messages on their way: acks, receipts, failures.

use std::sync::Arc;

use postern_domain::event::EventPayload;
use postern_domain::port::ReceiptKind;
use postern_domain::{DeviceCounters, DeviceId, EventType, FailureCode, MessageStatus, StanzaId, Timestamp};
use rusqlite::Connection;

use super::records::Outcome;
use super::store::Store;
use super::tables::columns::address;
use super::tables::messages::Known;
use super::tables::{devices, events, messages, outbox};
use super::tally::{Place, Tally};
use crate::StoreError;

impl Store {
    /// Records what was learned, in one transaction, never backwards; outcomes of unknown stanzas are ignored.
    ///
    /// # Errors
    /// The store failed; nothing was recorded.
    pub async fn record(
        &self,
        device: DeviceId,
        outcomes: impl Into<Arc<[Outcome]>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let outcomes = outcomes.into();
        self.write_counted(move |tx, tally| record(tx, tally, device, &outcomes, now))
            .await
    }
}

pub(super) fn record(
    tx: &Connection,
    tally: &Tally,
    device: DeviceId,
    outcomes: &[Outcome],
    now: Timestamp,
) -> Result<(), StoreError> {
    let change = Change::new(tx, tally, device, now);
    let (mut heard, mut counted) = (false, DeviceCounters::default());
    let mut news = Vec::new();
    for outcome in outcomes {
        heard |= matches!(outcome, Outcome::Acked { .. } | Outcome::Receipt { .. });
        counted.sent += u64::from(change.record(outcome, &mut news)?);
    }
    events::append_all(tx, device, &news, now)?;
    if heard {
        devices::heard(tx, device, now, counted)?;
    }
    Ok(())
}

/// Events that are still to be appended.
type News = Vec<(EventType, EventPayload)>;

/// A change to the messages of a device, in a transaction, at a time.
#[derive(Clone, Copy)]
pub(super) struct Change<'tx> {
    pub(super) tx: &'tx Connection,
    pub(super) tally: &'tx Tally,
    pub(super) device: DeviceId,
    pub(super) now: Timestamp,
}

impl<'tx> Change<'tx> {
    pub(super) fn new(tx: &'tx Connection, tally: &'tx Tally, device: DeviceId, now: Timestamp) -> Self {
        Self {
            tx,
            tally,
            device,
            now,
        }
    }

    /// Answers whether the message is known to have reached WhatsApp's server only now.
    fn record(&self, outcome: &Outcome, news: &mut News) -> Result<bool, StoreError> {
        match outcome {
            Outcome::Acked { stanza } => self.settle(stanza, MessageStatus::Sent, None, news),
            Outcome::Receipt { stanza, kind } => self.settle(stanza, confirmed(*kind), None, news),
            Outcome::Failed { stanza, code, text } => {
                let failure = Some((*code, text.clone()));
                self.settle(stanza, MessageStatus::Failed, failure, news)
            }
            Outcome::Retry { stanza, at, detail } => self.retry(stanza, *at, detail, news),
        }
    }

    /// Nothing is left to be sent.
    fn settle(
        &self,
        stanza: &StanzaId,
        status: MessageStatus,
        failure: Option<(FailureCode, String)>,
        news: &mut News,
    ) -> Result<bool, StoreError> {
        let Some(mut known) = messages::by_stanza(self.tx, self.device, stanza)? else {
            return Ok(false);
        };
        let before = known.status;
        let detail = failure.as_ref().map_or("", |(code, _)| code.name());
        if !self.step(&mut known, status, failure.as_ref(), detail, news)? {
            return Ok(false);
        }
        if before.is_in_outbox() {
            outbox::remove(self.tx, self.device, known.seq, &known.chat)?;
        }
        Ok(status.reached_server() && !before.reached_server())
    }

    fn retry(
        &self,
        stanza: &StanzaId,
        at: Timestamp,
        detail: &str,
        news: &mut News,
    ) -> Result<bool, StoreError> {
        let Some(mut known) = messages::by_stanza(self.tx, self.device, stanza)? else {
            return Ok(false);
        };
        if self.step(&mut known, MessageStatus::Retrying, None, detail, news)? {
            outbox::hold(self.tx, self.device, known.seq, &known.chat, at)?;
        }
        Ok(false)
    }

    /// Writes a status with its step, and counts it.
    pub(super) fn set(
        &self,
        known: &mut Known,
        status: MessageStatus,
        failure: Option<&(FailureCode, String)>,
        detail: &str,
    ) -> Result<(), StoreError> {
        messages::set_status(self.tx, known.seq, status, failure, detail, self.now)?;
        let place = Place::of(known.workspace, self.device, known.accepted_at);
        self.tally
            .moved(place, (known.status, status), known.due, self.now);
        if let Some((code, _)) = failure {
            self.tally.failed(*code);
        }
        known.status = status;
        Ok(())
    }

    /// Moves a message to a status it may take on, with its step and event; `false` when it may not.
    pub(super) fn apply(
        &self,
        known: &mut Known,
        status: MessageStatus,
        failure: Option<&(FailureCode, String)>,
        detail: &str,
    ) -> Result<bool, StoreError> {
        let mut news = Vec::new();
        let moved = self.step(known, status, failure, detail, &mut news)?;
        events::append_all(self.tx, self.device, &news, self.now)?;
        Ok(moved)
    }

    /// The same, with its event still to be appended.
    fn step(
        &self,
        known: &mut Known,
        status: MessageStatus,
        failure: Option<&(FailureCode, String)>,
        detail: &str,
        news: &mut News,
    ) -> Result<bool, StoreError> {
        if !known.status.may_become(status) {
            return Ok(false);
        }
        self.set(known, status, failure, detail)?;
        if let Some(kind) = EventType::of_message(status) {
            let payload = EventPayload::Message {
                message: known.id,
                to: address(&known.chat)?,
                status,
                failure: failure.cloned(),
                client_reference: known.client_reference.clone(),
                metadata: known.metadata.clone(),
                batch: known.batch,
            };
            news.push((kind, payload));
        }
        Ok(true)
    }
}

fn confirmed(kind: ReceiptKind) -> MessageStatus {
    match kind {
        ReceiptKind::Delivered => MessageStatus::Delivered,
        ReceiptKind::Read => MessageStatus::Read,
        ReceiptKind::Played => MessageStatus::Played,
    }
}
