//! `postern device show`.

use postern_domain::Timestamp;
use postern_runtime::{Clock as _, SystemClock};

use super::advice::way_out;
use super::client::Client;
use super::find;
use super::model::{Account, Device};
use super::print::{print, printable};
use super::table::ago;
use crate::cli::ShowDevice;

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
    let state = format!("{} ({})", device.state, device.reason);
    let account = device.account.as_ref().map(account);
    let known = [
        ("id", Some(device.id.clone())),
        ("name", Some(device.name.clone()).filter(|name| !name.is_empty())),
        ("state", Some(state)),
        (
            "since",
            Some(format!("{}, {}", device.since, ago(&device.since, now))),
        ),
        ("tried again", device.retry_at.clone()),
        ("wanted", Some(device.intent.clone())),
        ("account", account),
        (
            "created",
            Some(format!("{}, {}", device.created_at, ago(&device.created_at, now))),
        ),
        ("what to do", Some(way_out(device))),
    ];
    known
        .into_iter()
        .filter_map(|(title, value)| Some(format!("{title:12}{}\n", printable(&value?))))
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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_known_is_shown_line_by_line() {
        let device = serde_json::from_value(json!({
            "id": "dev_1", "name": "", "state": "connected", "reason": "healthy",
            "since": "2026-12-01T11:00:00.000Z", "retryAt": null, "intent": "linked",
            "account": { "phone": "+15557654321", "pushName": "AC\u{1b}ME", "platform": "android" },
            "createdAt": "2026-11-01T12:00:00.000Z",
        }))
        .expect("a device");
        let now = Timestamp::from_rfc3339("2026-12-01T12:00:00Z").expect("a time");
        let expected = "\
id          dev_1
state       connected (healthy)
since       2026-12-01T11:00:00.000Z, 1 h ago
wanted      linked
account     +15557654321, AC\u{fffd}ME, android
created     2026-11-01T12:00:00.000Z, 30 days ago
what to do  nothing; it works
";
        assert_eq!(lines(&device, now), expected);
    }
}
