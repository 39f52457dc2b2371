//! The numbers of some messages as the API shows them.

use postern_domain::{Latencies, MessageStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// What became of some messages, and how long it took.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// How many messages there were, those that came in included: the sum of `byStatus`.
    #[schema(example = 1240)]
    total: u64,
    /// How many of them are in each status now, or were when they were forgotten.
    by_status: ByStatus,
    /// Which part of the messages that reached an end has reached the recipient, from 0 to 1:
    /// `delivered + read + played`, of these and `failed + canceled`. `null` when none has reached an end.
    #[schema(required, example = 0.9831)]
    delivery_rate: Option<f64>,
    /// Which part of the messages that reached an end failed, from 0 to 1; `null` when none has reached an end.
    #[schema(required, example = 0.0127)]
    failure_rate: Option<f64>,
    /// How long sending took.
    latency: Latency,
}

/// How many messages are in each status.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "scheduled": 4, "queued": 0, "processing": 0, "retrying": 1, "sent": 44, "delivered": 310, "read": 619, "played": 0,
    "failed": 12, "canceled": 4, "received": 246,
}))]
struct ByStatus {
    /// To be sent at a later time.
    scheduled: u64,
    /// Waiting for their turn, or parked.
    queued: u64,
    /// Handed to WhatsApp, not acknowledged yet.
    processing: u64,
    /// Waiting for their next attempt, or parked.
    retrying: u64,
    /// WhatsApp's server has them; no device of the recipient confirmed them yet.
    sent: u64,
    /// They reached the recipient.
    delivered: u64,
    /// The recipient opened them.
    read: u64,
    /// The recipient played them.
    played: u64,
    /// They will not be sent.
    failed: u64,
    /// Taken back.
    canceled: u64,
    /// They came in.
    received: u64,
}

/// How long sending took, from the acceptance of a message, or the time it was scheduled for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Latency {
    /// Until WhatsApp's server had the message.
    accepted_to_sent: Percentiles,
    /// Until a device of the recipient had it.
    accepted_to_delivered: Percentiles,
}

/// What half of the messages, 95 and 99 of 100 did not exceed, in milliseconds. At most 10 % off: durations are counted in
/// ranges, not one by one. `null` when there are none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({ "p50Ms": 230, "p95Ms": 1120, "p99Ms": 4480 }))]
struct Percentiles {
    /// Half of them took no longer.
    #[schema(required)]
    p50_ms: Option<u64>,
    /// 95 of 100 took no longer.
    #[schema(required)]
    p95_ms: Option<u64>,
    /// 99 of 100 took no longer.
    #[schema(required)]
    p99_ms: Option<u64>,
}

impl From<&postern_store::Figures> for Figures {
    fn from(figures: &postern_store::Figures) -> Self {
        let (failed, ended) = (figures.of(MessageStatus::Failed), figures.ended());
        Self {
            total: MessageStatus::ALL.iter().map(|status| figures.of(*status)).sum(),
            by_status: ByStatus::from(figures),
            delivery_rate: rate(figures.arrived(), ended),
            failure_rate: rate(failed, ended),
            latency: Latency {
                accepted_to_sent: Percentiles::from(&figures.sent),
                accepted_to_delivered: Percentiles::from(&figures.delivered),
            },
        }
    }
}

impl From<&postern_store::Figures> for ByStatus {
    fn from(figures: &postern_store::Figures) -> Self {
        Self {
            scheduled: figures.of(MessageStatus::Scheduled),
            queued: figures.of(MessageStatus::Queued),
            processing: figures.of(MessageStatus::Processing),
            retrying: figures.of(MessageStatus::Retrying),
            sent: figures.of(MessageStatus::Sent),
            delivered: figures.of(MessageStatus::Delivered),
            read: figures.of(MessageStatus::Read),
            played: figures.of(MessageStatus::Played),
            failed: figures.of(MessageStatus::Failed),
            canceled: figures.of(MessageStatus::Canceled),
            received: figures.of(MessageStatus::Received),
        }
    }
}

impl From<&Latencies> for Percentiles {
    fn from(latencies: &Latencies) -> Self {
        let millis = |percent| {
            let duration = latencies.percentile(percent)?;
            Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        };
        Self {
            p50_ms: millis(50),
            p95_ms: millis(95),
            p99_ms: millis(99),
        }
    }
}

/// A part of a whole with four digits; `None` of nothing.
fn rate(part: u64, whole: u64) -> Option<f64> {
    let ten_thousandths = (part * 10_000 + whole / 2).checked_div(whole)?;
    Some(f64::from(u32::try_from(ten_thousandths).unwrap_or(10_000)) / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_have_four_digits() {
        for (part, whole, expected) in [
            (0, 0, None),
            (0, 3, Some(0.0)),
            (1, 3, Some(0.3333)),
            (2, 3, Some(0.6667)),
            (3, 3, Some(1.0)),
            (u64::from(u32::MAX), u64::from(u32::MAX), Some(1.0)),
        ] {
            assert_eq!(rate(part, whole), expected, "{part} of {whole}");
        }
    }
}
