//! Devices as a table, and times as people say them.

use postern_domain::Timestamp;

use crate::client::model::Device;
use crate::print::{columns, printable};

const COLUMNS: usize = 6;
const HEAD: [&str; COLUMNS] = ["ID", "NAME", "STATE", "REASON", "SINCE", "PHONE"];

/// A line for each device under a line of titles, in aligned columns.
pub(super) fn table(devices: &[Device], now: Timestamp) -> String {
    columns(HEAD, devices.iter().map(|device| row(device, now)))
}

fn row(device: &Device, now: Timestamp) -> [String; COLUMNS] {
    let phone = device.account.as_ref().map(|account| account.phone.as_str());
    [
        &device.id,
        &device.name,
        &device.state,
        &device.reason,
        &ago(&device.since, now),
        phone.unwrap_or_default(),
    ]
    .map(|cell| match cell {
        "" => "-".to_owned(),
        cell => printable(cell),
    })
}

/// How long before `now` a time of the API is; the time itself when it cannot be read.
pub(super) fn ago(time: &str, now: Timestamp) -> String {
    let Some(time) = Timestamp::from_rfc3339(time) else {
        return time.to_owned();
    };
    let seconds = now.since(time).as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-12-01T12:00:00.000Z";

    fn now() -> Timestamp {
        Timestamp::from_rfc3339(NOW).expect("a time")
    }

    #[test]
    fn columns_are_aligned_and_what_is_missing_is_a_dash() {
        let devices = [
            Device::seen("connected", "healthy", "2026-12-01T11:58:00Z")
                .named("Büro")
                .linked_to("+4915112345678"),
            Device::seen("unlinked", "new", NOW),
        ];
        let expected = "\
ID                              NAME  STATE      REASON   SINCE      PHONE
dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D  Büro  connected  healthy  2 min ago  +4915112345678
dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D  -     unlinked   new      just now   -
";
        assert_eq!(table(&devices, now()), expected);
    }

    #[test]
    fn a_name_cannot_draw_on_the_terminal() {
        let devices = [Device::seen("unlinked", "new", NOW).named("a\u{1b}[2J")];
        assert!(!table(&devices, now()).contains('\u{1b}'));
    }

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        for (time, told) in [
            ("2026-12-01T12:00:00Z", "just now"),
            ("2026-12-01T11:59:55Z", "5 s ago"),
            ("2026-12-01T11:59:00Z", "1 min ago"),
            ("2026-12-01T11:00:01Z", "59 min ago"),
            ("2026-12-01T11:00:00Z", "1 h ago"),
            ("2026-11-29T12:00:01Z", "47 h ago"),
            ("2026-11-29T12:00:00Z", "2 days ago"),
            ("2026-12-01T13:00:00+02:00", "1 h ago"),
            ("2027-01-01T00:00:00Z", "just now"),
            ("soon", "soon"),
        ] {
            assert_eq!(ago(time, now()), told, "{time}");
        }
    }
}
