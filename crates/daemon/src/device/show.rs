//! `postern device show`.

use postern_domain::Timestamp;
use postern_runtime::{Clock as _, SystemClock};

use super::advice::way_out;
use crate::cli::ShowDevice;
use crate::client::Client;
use crate::client::find;
use crate::client::model::{Account, Device};
use crate::print::{ago, print, printable};

pub(super) async fn run(client: &Client, flags: &ShowDevice) -> anyhow::Result<()> {
    let device = find::device(client, &flags.device).await?;
    let text = if flags.json {
        let json = client.device_json(&device.id).await?;
        let json = json.ok_or_else(|| anyhow::anyhow!("the device was removed just now"))?;
        format!("{}\n", json.get())
    } else {
        lines(&device, SystemClock.now())
    };
    Ok(print(&text)?)
}

fn lines(device: &Device, now: Timestamp) -> String {
    let when = |time: &String| format!("{time}, {}", ago(time, now));
    let counters = &device.counters;
    let messages = format!(
        "{} sent, {} received, {} parked",
        counters.sent, counters.received, counters.parked
    );
    let known = [
        ("id", Some(device.id.clone())),
        ("name", Some(device.name.clone()).filter(|name| !name.is_empty())),
        ("state", Some(format!("{} ({})", device.state, device.reason))),
        ("since", Some(when(&device.since))),
        ("tried again", device.retry_at.clone()),
        ("last heard", device.last_event_at.as_ref().map(when)),
        ("wanted", Some(device.intent.clone())),
        ("account", device.account.as_ref().map(account)),
        ("messages", Some(messages)),
        ("reconnects", Some(counters.reconnects.to_string())),
        ("created", Some(when(&device.created_at))),
        ("meaning", Some(way_out(device))),
    ];
    known
        .into_iter()
        .filter_map(|(title, value)| Some(format!("{title:13}{}\n", printable(&value?))))
        .collect()
}

fn account(account: &Account) -> String {
    let mut text = account.phone.clone();
    if let Some(name) = &account.push_name {
        text += &format!(", {name}");
    }
    if let Some(platform) = &account.platform {
        text += &format!(", {platform}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_shown_line_by_line() {
        let device = Device::seen("connected", "healthy", "2026-12-01T11:00:00.000Z");
        let mut device = device.linked_to("+15557654321");
        if let Some(account) = &mut device.account {
            account.push_name = Some("AC\u{1b}ME".to_owned());
            account.platform = Some("android".to_owned());
        }
        device.counters.sent = 7;
        device.last_event_at = Some("2026-12-01T11:59:30.000Z".to_owned());
        let now = Timestamp::from_rfc3339("2026-12-01T12:00:00Z").expect("a time");
        let expected = "\
id           dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D
state        connected (healthy)
since        2026-12-01T11:00:00.000Z, 1 h ago
last heard   2026-12-01T11:59:30.000Z, 30 s ago
wanted       linked
account      +15557654321, AC\u{fffd}ME, android
messages     7 sent, 0 received, 0 parked
reconnects   0
created      2026-11-01T12:00:00.000Z, 30 days ago
meaning      Logged in, and the link is alive.
";
        assert_eq!(lines(&device, now), expected);
    }
}
