//! What a device is, in a sentence, and what its operator should do about it.

use postern_domain::{DeviceReason as Reason, DeviceState as State};

use super::model::Device;
use super::print::printable;

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

/// What to do about a device in this state.
pub(super) fn way_out(device: &Device) -> String {
    let state = State::ALL.into_iter().find(|state| device.is(*state));
    let reason = Reason::ALL.iter().copied().find(|reason| device.is_because(*reason));
    let (Some(state), Some(reason)) = (state, reason) else {
        return "this daemon is newer than this command; see its documentation".to_owned();
    };
    let run = |verb| command(verb, device);
    match (state, reason) {
        (State::Connected, _) => "nothing; it works".to_owned(),
        (State::Degraded, _) => "nothing; it heals by itself, and messages are accepted meanwhile".to_owned(),
        (State::Pairing, Reason::LoggingIn) => "nothing; the first login is under way".to_owned(),
        (State::Pairing, _) => format!("use the code on show; {} shows a new one", run("pair")),
        (_, Reason::Stopped) => run("resume"),
        (_, Reason::StreamReplaced) => format!(
            "the same link was opened elsewhere; close it there, then {}",
            run("reconnect")
        ),
        (_, Reason::ClientOutdated) => format!("update Postern, or try {}", run("reconnect")),
        (_, Reason::TemporaryBan) => "wait; WhatsApp bars the account, its phone says why".to_owned(),
        (_, Reason::LoginRefused) => {
            format!("look at the account on its phone, then {}", run("reconnect"))
        }
        (_, Reason::QrExpired) => format!("no code was used; {} shows new ones", run("pair")),
        (_, Reason::PairingFailed) => format!(
            "look at the daemon's log: WhatsApp refused, or another device has this account; then {}",
            run("pair")
        ),
        (_, Reason::LoggedOut) => format!("the link was removed; {} makes a new one", run("pair")),
        (_, Reason::AccountRemoved) => format!(
            "the account no longer exists; {} links it to another",
            run("pair")
        ),
        (State::Unlinked | State::Disconnected, _) => run("pair"),
    }
}

/// The command that applies `verb` to a device, to be copied into a shell.
pub(super) fn command(verb: &str, device: &Device) -> String {
    format!("`postern device {verb} {}`", argument(device.label()))
}

/// A word as it is typed in a shell.
fn argument(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "_-.".contains(character);
    if word.chars().all(plain) && !word.starts_with('-') {
        return word.to_owned();
    }
    format!("'{}'", printable(word).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device(name: &str, state: &str, reason: &str) -> Device {
        serde_json::from_value(json!({
            "id": "dev_1", "name": name, "state": state, "reason": reason, "since": "", "retryAt": null,
            "intent": "linked", "createdAt": "",
            "account": { "phone": "+15557654321", "pushName": null, "platform": null },
        }))
        .expect("a device")
    }

    #[test]
    fn a_device_is_told_in_a_sentence() {
        assert_eq!(
            sentence(&device("support", "connected", "healthy")),
            "support (dev_1) is connected (healthy) as +15557654321"
        );
        let mut barred = device("", "disconnected", "temporary_ban");
        barred.retry_at = Some("2026-12-01T09:00:00.000Z".to_owned());
        assert_eq!(
            sentence(&barred),
            "dev_1 is disconnected (temporary_ban), tried again at 2026-12-01T09:00:00.000Z"
        );
    }

    #[test]
    fn the_way_out_can_be_copied_into_a_shell() {
        for (name, command) in [
            ("support", "`postern device resume support`"),
            ("", "`postern device resume dev_1`"),
            ("Bob's desk", r"`postern device resume 'Bob'\''s desk'`"),
            ("--yes", "`postern device resume '--yes'`"),
        ] {
            assert_eq!(way_out(&device(name, "disconnected", "stopped")), command);
        }
    }

    #[test]
    fn a_newer_daemon_is_no_mistake() {
        assert!(way_out(&device("a", "asleep", "night")).contains("newer"));
    }
}
