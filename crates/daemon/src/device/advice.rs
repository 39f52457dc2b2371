//! What a device is, in a sentence, and what its operator should do about it.

use postern_domain::{DeviceReason as Reason, DeviceState as State};

use super::model::Device;
use crate::print::printable;

/// A device by its name and its id, e.g. `support (dev_…)`.
pub(super) fn called(device: &Device) -> String {
    if device.name.is_empty() {
        return printable(&device.id);
    }
    format!("{} ({})", printable(&device.name), printable(&device.id))
}

/// A device and its state, e.g. `support (dev_…) is connected (healthy) as +15557654321`.
pub(super) fn sentence(device: &Device) -> String {
    let (state, reason) = (printable(&device.state), printable(&device.reason));
    let mut text = format!("{} is {state} ({reason})", called(device));
    if let Some(account) = device.account.as_ref().filter(|_| device.is(State::Connected)) {
        text += &format!(" as {}", printable(&account.phone));
    }
    if let Some(time) = &device.retry_at {
        text += &format!(", tried again at {}", printable(time));
    }
    text
}

/// What the state of a device means and what to do about it: sentences, and a command where one helps.
pub(super) fn way_out(device: &Device) -> String {
    let Some(reason) = Reason::ALL
        .iter()
        .copied()
        .find(|reason| device.is_because(*reason))
    else {
        return "This daemon is newer than this command; look it up in its documentation.".to_owned();
    };
    let verb = match reason.state() {
        State::Unlinked => "pair",
        State::Disconnected if reason == Reason::Stopped => "resume",
        State::Disconnected if reason != Reason::TemporaryBan => "reconnect",
        _ => return reason.meaning().to_owned(),
    };
    format!("{} Run {}.", reason.meaning(), command(verb, device))
}

/// The command that applies `verb` to a device, to be copied into a shell.
pub(super) fn command(verb: &str, device: &Device) -> String {
    let label = device.label();
    // What looks like a flag is taken for one unless something says that no more will come.
    let dashes = if label.starts_with('-') { "-- " } else { "" };
    format!("`postern device {verb} {dashes}{}`", argument(label))
}

/// A word as it is typed in a shell.
fn argument(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", printable(word).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_in_a_sentence() {
        let device = Device::seen("connected", "healthy", "").named("support");
        assert_eq!(
            sentence(&device.linked_to("+15557654321")),
            "support (dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D) is connected (healthy) as +15557654321"
        );
        let mut barred = Device::seen("disconnected", "temporary_ban", "");
        barred.retry_at = Some("2026-12-01T09:00:00.000Z".to_owned());
        assert_eq!(
            sentence(&barred),
            "dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D is disconnected (temporary_ban), tried again at 2026-12-01T09:00:00.000Z"
        );
    }

    #[test]
    fn each_way_out_names_the_command_that_helps() {
        for (state, reason, verb) in [
            ("unlinked", "new", Some("pair")),
            ("unlinked", "account_in_use", Some("pair")),
            ("disconnected", "logged_out", Some("pair")),
            ("disconnected", "stopped", Some("resume")),
            ("disconnected", "stream_replaced", Some("reconnect")),
            ("disconnected", "login_refused", Some("reconnect")),
            ("disconnected", "temporary_ban", None),
            ("degraded", "connection_lost", None),
            ("connected", "healthy", None),
        ] {
            let way_out = way_out(&Device::seen(state, reason, "").named("support"));
            match verb {
                Some(verb) => {
                    let command = format!("Run `postern device {verb} support`.");
                    assert!(way_out.ends_with(&command), "{reason}: {way_out}");
                }
                None => assert!(!way_out.contains("postern device"), "{reason}: {way_out}"),
            }
        }
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        for (name, expected) in [
            ("support", "`postern device show support`"),
            ("", "`postern device show dev_01JDXW6N4A7Q2M8Z5T9V3B1C0D`"),
            ("Bob's desk", r"`postern device show 'Bob'\''s desk'`"),
            ("--yes", "`postern device show -- --yes`"),
        ] {
            let device = Device::seen("connected", "healthy", "").named(name);
            assert_eq!(command("show", &device), expected);
        }
    }

    #[test]
    fn a_newer_daemon_is_no_mistake() {
        assert!(way_out(&Device::seen("asleep", "night", "")).contains("newer"));
    }
}
