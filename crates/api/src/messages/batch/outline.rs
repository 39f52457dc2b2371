//! A batch without its contents: which of its messages are to be accepted, and what is wrong with the others.

use postern_domain::{BatchId, DeviceId, MessageId, Timestamp, WorkspaceId};
use postern_store::{NewBatch, RefusedMessage};

use super::answer::AcceptedBatch;
use super::request::{CheckedBatch, Item, at};
use crate::errors::{ApiError, ErrorCode, FieldError};
use crate::messages::answer::refused;

/// What is left of a batch when its messages were handed to the store: enough to answer.
pub(super) struct Outline {
    /// Every message, in order.
    pub(super) lines: Vec<Line>,
    /// Where in `lines` the messages stand that the store was handed.
    handed: Vec<usize>,
    partial: bool,
}

/// A message of a batch.
pub(super) enum Line {
    /// The store is asked to accept it.
    Handed(Handed),
    /// It is not acceptable.
    Bad(ApiError),
}

/// A message that the store is asked to accept.
pub(super) struct Handed {
    pub(super) id: MessageId,
    pub(super) device: DeviceId,
    /// In its canonical form.
    pub(super) to: String,
    pub(super) scheduled_for: Option<Timestamp>,
}

impl Outline {
    /// Parts a batch into what the store is asked to accept and what is needed to answer. `now` is what times are
    /// checked against.
    pub(super) fn of(
        batch: CheckedBatch,
        id: BatchId,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> (Self, NewBatch) {
        let mut outline = Self {
            lines: Vec::with_capacity(batch.items.len()),
            handed: Vec::with_capacity(batch.items.len()),
            partial: batch.partial,
        };
        let mut messages = Vec::with_capacity(batch.items.len());
        for (index, item) in batch.items.into_iter().enumerate() {
            let checked = match item {
                Item::Bad { errors, .. } => Err(errors),
                Item::Good(checked) => match checked.check_time(now) {
                    Ok(()) => Ok(checked),
                    Err(too_late) => Err(at(index, vec![too_late])),
                },
            };
            outline.lines.push(match checked {
                Err(errors) => Line::Bad(ApiError::fields(errors)),
                Ok(checked) => {
                    let handed = Handed {
                        id: MessageId::generate(),
                        device: checked.device,
                        to: checked.to.to_string(),
                        scheduled_for: checked.send_at,
                    };
                    messages.push(checked.into_message(handed.id, workspace));
                    outline.handed.push(index);
                    Line::Handed(handed)
                }
            });
        }
        let batch = NewBatch {
            id,
            workspace,
            refused: outline.lines.len() - messages.len(),
            messages,
            partial: outline.partial,
        };
        (outline, batch)
    }

    /// What the store refused, by where it stands.
    fn refusals(&self, refusals: &[RefusedMessage]) -> Vec<(usize, ApiError)> {
        let refusals = refusals.iter().filter_map(|refusal| {
            let index = *self.handed.get(refusal.index)?;
            match self.lines.get(index)? {
                Line::Handed(handed) => Some((index, refused(&refusal.reason, handed.device))),
                Line::Bad(_) => None,
            }
        });
        refusals.collect()
    }

    /// The answer to a batch of which the store refused these messages; without an id when it was only rehearsed.
    pub(super) fn answer<T>(
        &self,
        id: Option<BatchId>,
        refusals: &[RefusedMessage],
        write: impl FnOnce(&AcceptedBatch<'_>) -> T,
    ) -> T {
        let refusals = self.refusals(refusals);
        write(&AcceptedBatch::new(id, &self.lines, &refusals))
    }

    /// Whether nothing may be accepted when the store refuses these messages.
    pub(super) fn is_refused(&self, refusals: &[RefusedMessage]) -> bool {
        let accepted = self.handed.len() - refusals.len();
        accepted == 0 || (!self.partial && accepted < self.lines.len())
    }

    /// Why nothing is accepted: every field that is not acceptable, or else what the devices say. When messages of a partial
    /// batch could be accepted another time, that is said alone: nobody sends again what was answered with bad fields.
    pub(super) fn refusal(&self, refusals: &[RefusedMessage]) -> ApiError {
        let mut bad: Vec<(usize, FieldError)> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            if let Line::Bad(error) = line {
                bad.extend(error.details().iter().map(|detail| (index, detail.clone())));
            }
        }
        let mut refusals = self.refusals(refusals);
        let of_the_workspace = |(_, error): &(usize, ApiError)| {
            matches!(error.code(), ErrorCode::QuotaExceeded | ErrorCode::Forbidden)
        };
        if bad.is_empty() && !self.partial {
            return first_of(refusals);
        }
        if self.partial {
            if refusals.iter().any(of_the_workspace) {
                refusals.retain(of_the_workspace);
                return first_of(refusals);
            }
            bad.extend(refusals.iter().map(|(index, error)| {
                let field = format!("messages[{index}].deviceId");
                (*index, FieldError::new(field, error.message()))
            }));
            bad.sort_by_key(|(index, _)| *index);
        }
        ApiError::fields(bad.into_iter().map(|(_, error)| error).collect())
    }
}

/// The first of what the devices say, and how many more there are.
fn first_of(refusals: Vec<(usize, ApiError)>) -> ApiError {
    let more = refusals.len().saturating_sub(1);
    let Some((index, first)) = refusals.into_iter().next() else {
        return ApiError::internal("a batch was refused without a reason");
    };
    let more = match more {
        0 => String::new(),
        1 => " (and 1 more message)".to_owned(),
        more => format!(" (and {more} more messages)"),
    };
    let message = format!("messages[{index}]{more}: {}", first.message());
    ApiError::new(first.code(), message)
}
