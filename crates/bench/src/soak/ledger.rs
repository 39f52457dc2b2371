//! Three ledgers that must agree: what clients were told, what the API says, what the contacts decrypted.
//!
//! Messages are recognised by their text, which no two of them share.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// A message that a client was told is accepted, or that a contact wrote.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) device: usize,
    pub(crate) text: String,
    /// The message's id; for what a contact wrote, its stanza id.
    pub(crate) id: String,
    /// When it was first asked for, since the start of the traffic.
    pub(crate) asked: Duration,
    /// When it was told.
    pub(crate) at: Duration,
}

/// A message as the API lists it.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) stanza: String,
    pub(crate) status: String,
    /// From its acceptance to the last change of its status.
    pub(crate) lived: Duration,
}

/// A message as the contact that decrypted it lists it; a contact's list is in order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) text: String,
    pub(crate) stanza: String,
    pub(crate) copies: u64,
}

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Accepted, and no contact decrypted it, or the API does not know it.
    Lost,
    /// The same message under two stanza ids, or accepted twice.
    Duplicated,
    /// Waits or is under way although everything is well again.
    Stuck,
    /// Arrived, and its sender was never told that it was delivered.
    Unconfirmed,
    /// Failed although no fault of a soak may fail a message.
    Failed,
    /// Nobody was told of it, or it went out under another stanza id than the API says.
    Unexpected,
    /// Arrived after one that was accepted later from the same device for the same contact.
    Disordered,
    /// Written by a contact and not in the API.
    InboundLost,
    /// Written by a contact once and in the API more often.
    InboundDuplicated,
    /// In the API and written by nobody.
    InboundUnexpected,
}

impl Fault {
    /// Whether it may be over when one waits.
    pub(crate) fn may_heal(self) -> bool {
        matches!(
            self,
            Self::Lost | Self::Stuck | Self::Unconfirmed | Self::InboundLost
        )
    }

    /// Whether it is about what contacts wrote.
    pub(crate) fn is_inbound(self) -> bool {
        matches!(
            self,
            Self::InboundLost | Self::InboundDuplicated | Self::InboundUnexpected
        )
    }

    /// All of them with their headings, in the order of the table.
    pub(crate) const ALL: [(Self, &str); 10] = [
        (Self::Lost, "lost"),
        (Self::Duplicated, "doubled"),
        (Self::Stuck, "stuck"),
        (Self::Unconfirmed, "unconfirmed"),
        (Self::Failed, "failed"),
        (Self::Unexpected, "unexpected"),
        (Self::Disordered, "disordered"),
        (Self::InboundLost, "inbound lost"),
        (Self::InboundDuplicated, "inbound doubled"),
        (Self::InboundUnexpected, "inbound unexpected"),
    ];
}

/// One disagreement.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) fault: Fault,
    pub(crate) text: String,
    /// What was told of it, if anything was.
    pub(crate) told: Option<Told>,
    /// Until when it can be the work of a fault, since the start of the traffic.
    pub(crate) until: Option<Duration>,
    pub(crate) detail: String,
}

/// Compares what was accepted with what the API lists as outbound and what each contact decrypted.
pub(crate) fn outbound(told: &[Told], stored: &[Stored], received: &[Vec<Received>]) -> Vec<Problem> {
    let known: HashMap<&str, &Told> = told.iter().map(|told| (told.text.as_str(), told)).collect();
    let rows: HashMap<&str, &Stored> = stored.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut arrived: HashMap<&str, Vec<&Received>> = HashMap::new();
    for copy in received.iter().flatten() {
        arrived.entry(copy.text.as_str()).or_default().push(copy);
    }
    let mut problems = Vec::new();
    for told in told {
        let row = rows.get(told.id.as_str()).copied();
        let copies = arrived.get(told.text.as_str()).map_or(&[][..], Vec::as_slice);
        problems.extend(one(told, row, copies));
    }
    let ids: HashSet<&str> = told.iter().map(|told| told.id.as_str()).collect();
    for row in stored.iter().filter(|row| !ids.contains(row.id.as_str())) {
        let told = known.get(row.text.as_str()).copied();
        let fault = told.map_or(Fault::Unexpected, |_| Fault::Duplicated);
        let detail = format!("{} is {} and nobody was told of it", row.id, row.status);
        problems.push(Problem::new(fault, &row.text, told, None, detail));
    }
    for copy in received.iter().flatten() {
        if !known.contains_key(copy.text.as_str()) {
            let detail = format!("a contact decrypted stanza {}", copy.stanza);
            problems.push(Problem::new(Fault::Unexpected, &copy.text, None, None, detail));
        }
    }
    problems.extend(received.iter().flat_map(|list| disordered(list, &known)));
    problems
}

/// What is wrong with one accepted message.
fn one(told: &Told, row: Option<&Stored>, copies: &[&Received]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let until = row.map(|row| told.at + row.lived);
    let mut report = |fault, detail: String| {
        problems.push(Problem::new(fault, &told.text, Some(told), until, detail));
    };
    let Some(row) = row else {
        report(Fault::Lost, format!("the API does not know {}", told.id));
        return problems;
    };
    let is = format!("{} with stanza {} is {}", row.id, row.stanza, row.status);
    let arrived = !copies.is_empty();
    match row.status.as_str() {
        "delivered" | "read" | "played" if arrived => {}
        "sent" if arrived => report(Fault::Unconfirmed, is),
        "sent" | "delivered" | "read" | "played" => report(Fault::Lost, is),
        "failed" | "canceled" => report(Fault::Failed, is),
        _ => report(Fault::Stuck, is),
    }
    if copies.len() > 1 {
        let stanzas: Vec<&str> = copies.iter().map(|copy| copy.stanza.as_str()).collect();
        report(Fault::Duplicated, format!("arrived as {}", stanzas.join(", ")));
    }
    if let [copy] = copies
        && copy.stanza != row.stanza
    {
        report(
            Fault::Unexpected,
            format!("arrived as {}, stored as {}", copy.stanza, row.stanza),
        );
    }
    problems
}

/// Which messages of one contact's list came after one of the same device that nobody had asked for yet when they were
/// accepted. Of two that were under way at the same time nobody knows which was accepted first.
fn disordered(list: &[Received], known: &HashMap<&str, &Told>) -> Vec<Problem> {
    // Of those that arrived, the one that was asked for last.
    let mut latest: HashMap<usize, &Told> = HashMap::new();
    let mut problems = Vec::new();
    for copy in list {
        let Some(&told) = known.get(copy.text.as_str()) else {
            continue;
        };
        let before = latest.entry(told.device).or_insert(told);
        if told.at < before.asked {
            let detail = format!("{} arrived after \"{}\"", told.id, before.text);
            problems.push(Problem::new(
                Fault::Disordered,
                &told.text,
                Some(told),
                None,
                detail,
            ));
        }
        if told.asked > before.asked {
            *before = told;
        }
    }
    problems
}

/// Compares what contacts wrote with what the API lists as inbound.
pub(crate) fn inbound(written: &[Told], stored: &[Stored]) -> Vec<Problem> {
    let mut rows: HashMap<&str, Vec<&Stored>> = HashMap::new();
    for row in stored {
        rows.entry(row.text.as_str()).or_default().push(row);
    }
    let mut problems = Vec::new();
    for told in written {
        match rows.remove(told.text.as_str()).as_deref() {
            None => {
                let detail = format!("stanza {}", told.id);
                problems.push(Problem::new(
                    Fault::InboundLost,
                    &told.text,
                    Some(told),
                    None,
                    detail,
                ));
            }
            Some([_once]) => {}
            Some(more) => {
                let ids: Vec<&str> = more.iter().map(|row| row.id.as_str()).collect();
                let detail = format!("stanza {} is {}", told.id, ids.join(", "));
                problems.push(Problem::new(
                    Fault::InboundDuplicated,
                    &told.text,
                    Some(told),
                    None,
                    detail,
                ));
            }
        }
    }
    for row in rows.into_values().flatten() {
        let detail = format!("{} with stanza {}", row.id, row.stanza);
        problems.push(Problem::new(
            Fault::InboundUnexpected,
            &row.text,
            None,
            None,
            detail,
        ));
    }
    problems
}

impl Problem {
    fn new(fault: Fault, text: &str, told: Option<&Told>, until: Option<Duration>, detail: String) -> Self {
        Self {
            fault,
            text: text.to_owned(),
            told: told.cloned(),
            until: until.or_else(|| told.map(|told| told.at)),
            detail,
        }
    }
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
mod tests;
