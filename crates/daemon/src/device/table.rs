//! Devices as a table.

use postern_domain::Timestamp;

use crate::client::model::Device;
use crate::print::{ago, aligned};

const COLUMNS: usize = 6;
const HEAD: [&str; COLUMNS] = ["ID", "NAME", "STATE", "REASON", "SINCE", "PHONE"];

/// A line for each device under a line of titles, in aligned columns.
pub(super) fn table(devices: &[Device], now: Timestamp) -> String {
    aligned(HEAD, devices.iter().map(|device| row(device, now)).collect())
}

fn row(device: &Device, now: Timestamp) -> [String; COLUMNS] {
    let phone = device.account.as_ref().map(|account| account.phone.clone());
    [
        device.id.clone(),
        device.name.clone(),
        device.state.clone(),
        device.reason.clone(),
        ago(&device.since, now),
        phone.unwrap_or_default(),
    ]
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
}
