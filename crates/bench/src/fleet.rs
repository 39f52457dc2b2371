//! Many linked devices: created, paired and scanned through the real API, several at a time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hdrhistogram::Histogram;
use postern_testkit::{Http, TestDaemon, TestSandbox};
use serde_json::Value;

use crate::load::micros;
use crate::pages;
use crate::progress::Progress;

/// Devices that are being linked at the same time.
pub(crate) const AT_ONCE: usize = 8;
/// Between two looks at the list of devices.
const LOOK: Duration = Duration::from_millis(50);

/// A linked device and the account it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) phone: String,
}

/// The number of the account that the device with this number is linked to; distinct up to 90 million.
pub(crate) fn owner(number: usize) -> String {
    format!("+49151{}", 10_000_000 + number)
}

/// A number to write to, for each device its own.
pub(crate) fn contact(number: usize) -> String {
    format!("+1555{}", 2_000_000 + number)
}

/// Links `count` devices, numbered from `before` on; answers them and how long each took, in microseconds.
pub(crate) async fn link(
    daemon: &TestDaemon,
    network: &TestSandbox,
    before: usize,
    count: usize,
) -> anyhow::Result<(Vec<Device>, Histogram<u64>)> {
    let mut progress = Progress::new("devices linked", count);
    let mut took = Histogram::new_with_bounds(1, 600_000_000, 3)?;
    let mut devices = Vec::with_capacity(count);
    let mut linking = stream::iter(before..before + count)
        .map(|number| link_one(daemon, network, owner(number)))
        .buffer_unordered(AT_ONCE);
    while let Some((device, elapsed)) = linking.try_next().await? {
        took.saturating_record(micros(elapsed));
        devices.push(device);
        progress.at(devices.len());
    }
    // The order in which they came up is chance; the order of their numbers is not.
    devices.sort_by(|one, other| one.phone.cmp(&other.phone));
    Ok((devices, took))
}

async fn link_one(
    daemon: &TestDaemon,
    network: &TestSandbox,
    phone: String,
) -> anyhow::Result<(Device, Duration)> {
    let started = Instant::now();
    let id = daemon.link_device(network, &phone).await?;
    Ok((Device { id, phone }, started.elapsed()))
}

/// How the API shows a device.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    pub(crate) state: String,
    pub(crate) reason: String,
    pub(crate) since: String,
}

/// How the API shows every device, by id.
pub(crate) type States = BTreeMap<String, Shown>;

/// What the API says of every device now.
pub(crate) async fn states(http: &Http) -> anyhow::Result<States> {
    let text = |device: &Value, field: &str| device[field].as_str().unwrap_or_default().to_owned();
    let shown = |device: &Value| Shown {
        state: text(device, "state"),
        reason: text(device, "reason"),
        since: text(device, "since"),
    };
    let rows = pages::all(http, "/v1/devices", "").await?;
    Ok(rows
        .iter()
        .map(|device| (text(device, "id"), shown(device)))
        .collect())
}

impl Shown {
    pub(crate) fn is_connected(&self) -> bool {
        self.state == "connected"
    }
}

/// Waits until every device is connected by a login that came after `before` was looked at.
///
/// # Errors
/// It takes longer than `limit`.
pub(crate) async fn all_connected(http: &Http, before: &States, limit: Duration) -> anyhow::Result<()> {
    let deadline = Instant::now() + limit;
    let mut progress = Progress::new("devices connected", before.len());
    loop {
        let now = states(http).await?;
        let connected = now
            .iter()
            .filter(|(id, shown)| shown.is_connected() && before.get(*id) != Some(*shown))
            .count();
        progress.at(connected);
        if connected == before.len() {
            return Ok(());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "{connected} of {} devices connected within {limit:?}",
            before.len()
        );
        tokio::time::sleep(LOOK).await;
    }
}

/// How many devices show as connected by a login of before: a state nobody has checked since.
pub(crate) async fn stale(http: &Http, before: &States) -> anyhow::Result<usize> {
    let now = states(http).await?;
    Ok(now
        .iter()
        .filter(|(id, shown)| shown.is_connected() && before.get(*id) == Some(*shown))
        .count())
}
