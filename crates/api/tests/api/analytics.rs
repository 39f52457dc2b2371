//! What became of the messages of some days, in numbers.

use std::time::Duration;

use postern_domain::port::ReceiptKind;
use postern_domain::{DeviceId, FailureCode, StanzaId, Timestamp};
use postern_store::Outcome;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{TestApi, text_to};

/// 14 November 2023, 22:13:20 UTC.
const NOW: i64 = 1_700_000_000_000;

fn after(millis: u64) -> Timestamp {
    Timestamp::from_millis(NOW).after(Duration::from_millis(millis))
}

impl TestApi {
    async fn send(&self, device: DeviceId, text: &str) {
        let sent = self.post("/v1/messages", &text_to(device, text)).await;
        sent.expect(StatusCode::ACCEPTED);
    }

    /// Sends what is ready; answers the stanza ids.
    async fn claim(&self, device: DeviceId) -> Vec<StanzaId> {
        let claimed = self.store.claim(device, 100, after(60_000), after(10)).await;
        let claimed = claimed.expect("claimed").into_iter();
        claimed.map(|claimed| claimed.stanza).collect()
    }

    async fn summary(&self, query: &str) -> Value {
        let path = format!("/v1/analytics/summary{query}");
        self.get(&path).await.expect(StatusCode::OK)
    }
}

/// The statuses that there are any of.
fn counted(figures: &Value) -> Value {
    let mut counts = figures["byStatus"].clone();
    let statuses = counts.as_object_mut().expect("an object");
    assert_eq!(statuses.len(), 11, "every status is there");
    let sum: u64 = statuses.values().filter_map(Value::as_u64).sum();
    assert_eq!(figures["total"], sum);
    statuses.retain(|_, count| *count != 0);
    counts
}

#[tokio::test]
async fn what_became_of_messages_is_counted_by_day_and_device() {
    let (api, clock) = TestApi::start_at(after(0)).await;
    let (device, other) = (api.connected_device().await, api.connected_device().await);
    for text in ["arrives", "is read", "fails", "is on its way"] {
        api.send(device, text).await;
    }
    let stanzas = api.claim(device).await;
    let receipt = |stanza: &StanzaId, kind| Outcome::Receipt {
        stanza: stanza.clone(),
        kind,
    };
    let outcomes = vec![
        receipt(&stanzas[0], ReceiptKind::Delivered),
        receipt(&stanzas[1], ReceiptKind::Read),
        Outcome::Failed {
            stanza: stanzas[2].clone(),
            code: FailureCode::NotOnWhatsApp,
            text: String::new(),
        },
    ];
    api.store
        .record(device, outcomes, after(1_000))
        .await
        .expect("recorded");
    // The next day.
    clock.set(after(2 * 3_600_000));
    api.send(other, "waits").await;

    let all = api.summary("").await;
    assert_eq!(
        (&all["from"], &all["until"]),
        (&json!("2023-10-17"), &json!("2023-11-15"))
    );
    let first_day = json!({ "delivered": 1, "read": 1, "failed": 1, "processing": 1 });
    let mut both = first_day.clone();
    both["queued"] = json!(1);
    assert_eq!(counted(&all), both);
    assert_eq!(
        (&all["deliveryRate"], &all["failureRate"]),
        (&json!(0.6667), &json!(0.3333))
    );
    let latency = &all["latency"]["acceptedToDelivered"];
    for percentile in ["p50Ms", "p95Ms", "p99Ms"] {
        let millis = latency[percentile].as_u64().expect("a number");
        assert!(millis.abs_diff(1_000) <= 100, "{percentile}: {latency}");
        assert!(all["latency"]["acceptedToSent"][percentile].is_u64());
    }

    let days = all["days"].as_array().expect("days");
    assert_eq!(days.len(), 30, "days without messages, too");
    assert_eq!(days[28]["date"], "2023-11-14");
    assert_eq!(counted(&days[28]), first_day);
    assert_eq!(
        (&days[29]["date"], counted(&days[29])),
        (&json!("2023-11-15"), json!({ "queued": 1 }))
    );
    assert_eq!(
        (&days[0]["deliveryRate"], &days[0]["failureRate"]),
        (&Value::Null, &Value::Null)
    );
    let nothing = json!({ "p50Ms": null, "p95Ms": null, "p99Ms": null });
    assert_eq!(
        days[29]["latency"],
        json!({ "acceptedToSent": nothing, "acceptedToDelivered": nothing })
    );

    let mut devices: Vec<_> = all["devices"].as_array().expect("devices").iter().collect();
    devices.sort_by_key(|of_device| of_device["deviceId"] == other.to_string());
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[0]["deviceId"], device.to_string());
    assert_eq!(counted(devices[0]), first_day);
    assert_eq!(counted(devices[1]), json!({ "queued": 1 }));
}

#[tokio::test]
async fn days_and_devices_can_be_chosen() {
    let (api, clock) = TestApi::start_at(after(0)).await;
    let (device, other) = (api.connected_device().await, api.connected_device().await);
    api.send(device, "one").await;
    clock.set(after(2 * 3_600_000));
    api.send(device, "two").await;
    api.send(other, "three").await;

    for (query, total, days) in [
        ("", 3, 30),
        ("?from=2023-11-14", 3, 2),
        ("?until=2023-11-14", 1, 30),
        ("?from=2023-11-15&until=2023-11-15", 2, 1),
        ("?from=2022-11-15&until=2023-11-15", 3, 366),
        ("?from=2023-11-16&until=2023-12-15", 0, 30),
        (&format!("?deviceId={other}"), 1, 30),
        (&format!("?deviceId={device}&from=2023-11-15"), 1, 1),
        (&format!("?deviceId={}", DeviceId::generate()), 0, 30),
    ] {
        let summary = api.summary(query).await;
        assert_eq!(summary["total"], total, "{query}");
        assert_eq!(summary["days"].as_array().map(Vec::len), Some(days), "{query}");
    }
}
