//! How fast messages leave, and what is said of those that wait.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::port::Observed;
use postern_domain::{DeviceId, DeviceState, MessageId, MessageStatus, Pacing, QuietHours, Timestamp};
use postern_runtime::ManualClock;
use postern_store::{DeviceChange, DeviceRequest};

use crate::{Gateway, config, eventually};

const OWNER: &str = "+4915112345678";

fn contact(number: usize) -> String {
    format!("+1555{number:07}")
}

impl Gateway {
    /// A linked device that is offline and keeps this pace as soon as it is resumed.
    async fn paced_device(&self, pacing: Pacing) -> DeviceId {
        let device = self.linked(OWNER).await;
        self.request(device, DeviceRequest::Pause).await;
        self.becomes(device, DeviceState::Disconnected).await;
        self.pace(device, pacing).await;
        device
    }

    async fn pace(&self, device: DeviceId, pacing: Pacing) {
        let change = DeviceChange {
            pacing: Some(Some(pacing)),
            ..DeviceChange::default()
        };
        let changed = self.store.change_device(self.workspace, device, change).await;
        assert!(changed.expect("written").is_some());
        self.wakes.devices.ring();
    }

    async fn resume(&self, device: DeviceId) {
        self.request(device, DeviceRequest::Resume).await;
        self.network.opened(device, 2).await;
        self.network.tell(device, Observed::Connected);
    }

    /// When a message is said to leave, as soon as something is said.
    async fn leaves(&self, id: MessageId) -> Timestamp {
        eventually(async || {
            let message = self.store.message(self.workspace, id).await.expect("read")?;
            assert_eq!(message.status, MessageStatus::Queued);
            message.paced
        })
        .await
    }
}

#[tokio::test]
async fn a_burst_leaves_at_once_and_the_rest_says_when() {
    let gateway = Gateway::start().await;
    let slow = Pacing {
        per_minute: Some(1),
        burst: 2,
        ..Pacing::OFF
    };
    let device = gateway.paced_device(slow).await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(gateway.accept(device, &contact(number), "hi").await.0);
    }
    gateway.resume(device).await;
    for id in &ids[..2] {
        gateway.reaches(*id, MessageStatus::Sent).await;
    }
    let leaves = gateway.leaves(ids[2]).await;
    let now = gateway.clock.now();
    assert!(leaves > now && leaves.since(now) <= Duration::from_secs(60));
    assert_eq!(
        gateway.leaves(ids[3]).await.since(leaves),
        Duration::from_secs(60)
    );
    // Without a limit they leave.
    gateway.pace(device, Pacing::OFF).await;
    for id in ids {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
}

#[tokio::test]
async fn nobody_is_written_to_for_the_first_time_beyond_the_cap() {
    let gateway = Gateway::start().await;
    let a_day = |number| Pacing {
        new_recipients_per_day: Some(number),
        ..Pacing::OFF
    };
    let device = gateway.paced_device(a_day(2)).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(gateway.accept(device, &contact(number), "first").await.0);
    }
    let (again, _) = gateway.accept(device, &contact(0), "again").await;
    let (behind, _) = gateway.accept(device, &contact(2), "behind").await;
    gateway.resume(device).await;
    for id in [ids[0], ids[1], again] {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
    let leaves = gateway.leaves(ids[2]).await;
    assert!(leaves.since(gateway.clock.now()) <= Duration::from_hours(24));
    gateway.reaches(behind, MessageStatus::Queued).await;
    gateway.pace(device, a_day(3)).await;
    for id in [ids[2], behind] {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
}

#[tokio::test]
async fn in_quiet_hours_nothing_leaves() {
    let clock = Arc::new(ManualClock::default());
    let noon = 12 * 3_600_000;
    clock.set(Timestamp::from_millis(20_000 * 24 * 3_600_000 + noon));
    let gateway = Gateway::start_at(config(), clock).await;
    let night = Pacing {
        quiet_hours: Some(QuietHours {
            from: 0,
            until: 13 * 60,
        }),
        ..Pacing::OFF
    };
    let device = gateway.paced_device(night).await;
    let (id, _) = gateway.accept(device, &contact(0), "hi").await;
    gateway.resume(device).await;
    let leaves = gateway.leaves(id).await;
    assert_eq!(Some(leaves), night.quiet_until(gateway.clock.now()));
    gateway.pace(device, Pacing::OFF).await;
    gateway.reaches(id, MessageStatus::Sent).await;
}
