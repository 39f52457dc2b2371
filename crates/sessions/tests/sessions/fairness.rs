//! Devices share the process: what goes wrong with one, and however much it has to send, is nothing to the others.

use std::sync::atomic::Ordering;

use postern_domain::port::Observed;
use postern_domain::{DeviceId, DeviceState, MessageStatus};
use postern_sessions::SessionsConfig;
use postern_store::DeviceRequest;

use crate::{Gateway, config};

const OWNER: &str = "+4915112345678";

impl Gateway {
    /// With room for one login besides that of a device whose client hangs.
    async fn with_little_room() -> Self {
        let start_concurrency = 2;
        Self::start_with(SessionsConfig {
            start_concurrency,
            ..config()
        })
        .await
    }

    /// More devices are linked, and everything they send arrives.
    async fn others_go_on(&self) {
        for device in 0..5 {
            let device = self.linked(&format!("+49151123456{device:02}")).await;
            let mut sent = Vec::new();
            for chat in 0..3 {
                sent.push(self.accept(device, &contact(chat), "hi").await.0);
            }
            for id in sent {
                self.reaches(id, MessageStatus::Sent).await;
            }
        }
    }

    fn recovers(&self, device: DeviceId) {
        let client = self.network.client(device);
        client.hangs.store(false, Ordering::SeqCst);
        client.unstuck.notify_waiters();
    }
}

fn contact(number: usize) -> String {
    format!("+1555{number:07}")
}

#[tokio::test]
async fn a_client_that_takes_nothing_slows_no_other_device() {
    let gateway = Gateway::with_little_room().await;
    let device = gateway.linked(OWNER).await;
    let client = gateway.network.client(device);
    client.hangs.store(true, Ordering::SeqCst);
    // More than may be under way at once.
    let mut backlog = Vec::new();
    for chat in 0..200 {
        backlog.push(gateway.accept(device, &contact(chat), "hi").await.0);
    }
    gateway.others_go_on().await;
    assert!(client.sent.lock().expect("no panic").is_empty());
    gateway.recovers(device);
    for id in backlog {
        gateway.reaches(id, MessageStatus::Sent).await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_open_slows_no_other_device() {
    let gateway = Gateway::with_little_room().await;
    let device = gateway.linked(OWNER).await;
    gateway.request(device, DeviceRequest::Pause).await;
    gateway.becomes(device, DeviceState::Disconnected).await;
    let client = gateway.network.client(device);
    client.hangs.store(true, Ordering::SeqCst);
    let (waits, _) = gateway.accept(device, &contact(0), "hi").await;
    gateway.request(device, DeviceRequest::Resume).await;
    gateway.becomes(device, DeviceState::Degraded).await;
    gateway.others_go_on().await;
    assert_eq!(client.opens.load(Ordering::SeqCst), 1, "it still opens");
    gateway.recovers(device);
    gateway.network.opened(device, 2).await;
    gateway.network.tell(device, Observed::Connected);
    gateway.reaches(waits, MessageStatus::Sent).await;
}
