//! The documents say what the product does: every name in them exists, every name is in them, examples run.

use std::collections::BTreeSet;

use anyhow::Context as _;
use postern_domain::webhook::{AttemptFailure, DisableReason};
use postern_domain::{DeviceReason, DeviceState, EventType, FailureCode, MessageStatus, ParkReason};
use postern_testkit::{DEADLINE, TestDaemon, TestSandbox};
use postern_webhooks::Schedule;
use tokio::process::Command;

use crate::device_commands::code::Showing;
use crate::device_commands::done;
use crate::{CONTACT, OWNER, linked, postern};

const SESSIONS: &str = include_str!("../docs/sessions.md");
const SENDING: &str = include_str!("../docs/sending.md");
const EVENTS: &str = include_str!("../docs/events.md");
const WEBHOOKS: &str = include_str!("../docs/webhooks.md");
const LIFECYCLE: &str = include_str!("../docs/lifecycle.svg");

/// State and reason of each row of the reference.
fn documented() -> BTreeSet<(&'static str, &'static str)> {
    let reference = SESSIONS.split_once("## Every reason").map(|(_, rest)| rest);
    let reference = reference.and_then(|text| text.split("\n## ").next());
    let sections = reference.unwrap_or_default().split("\n### `").skip(1);
    sections
        .filter_map(|section| section.split_once('`'))
        .flat_map(|(state, body)| {
            let first_cells = body.lines().filter_map(|line| line.strip_prefix("| `"));
            first_cells.filter_map(move |row| Some((state, row.split_once('`')?.0)))
        })
        .collect()
}

#[test]
fn the_page_on_sessions_explains_every_reason_under_its_state_and_no_other() {
    let mut known: BTreeSet<_> = DeviceReason::ALL
        .iter()
        .map(|reason| (reason.state().name(), reason.name()))
        .collect();
    // The one reason with two states: a logout that left messages.
    known.insert((DeviceState::Disconnected.name(), DeviceReason::LoggedOut.name()));
    assert_eq!(documented(), known);
}

#[test]
fn the_page_on_sessions_says_what_becomes_of_messages_in_every_state() {
    for state in DeviceState::ALL {
        let row = format!("| `{}` |", state.name());
        let row = SESSIONS.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("no row for {state}"));
        assert_eq!(row.contains("accepted"), state.accepts_messages(), "{row}");
    }
    for reason in ParkReason::ALL {
        let name = format!("`{}`", reason.name());
        assert!(SESSIONS.contains(&name), "nothing on {name}");
    }
}

#[test]
fn the_page_on_sending_explains_every_status_and_every_failure() {
    let rows = || SENDING.lines().filter(|line| line.starts_with("| `"));
    for status in MessageStatus::ALL {
        let name = format!("`{}`", status.name());
        let is_explained = rows().any(|row| row.contains(&name));
        assert_eq!(is_explained, status != MessageStatus::Received, "{name}");
    }
    for code in FailureCode::ALL {
        let row = format!("| `{}` |", code.name());
        assert!(rows().any(|line| line.starts_with(&row)), "nothing on {row}");
    }
}

/// The first cells of the rows under a title of the page on webhooks.
fn webhook_rows(title: &str) -> Vec<&'static str> {
    let (_, table) = WEBHOOKS
        .split_once(title)
        .unwrap_or_else(|| panic!("no table {title}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    rows.map(|row| {
        row.trim_start_matches("| ")
            .split(" |")
            .next()
            .unwrap_or_default()
    })
    .collect()
}

#[test]
fn the_page_on_webhooks_explains_every_type_every_failure_and_every_reason() {
    let names = |rows: Vec<&'static str>| {
        let names = rows.into_iter().flat_map(|row| row.split(", "));
        names.map(|name| name.trim_matches('`')).collect::<Vec<_>>()
    };
    let types = names(webhook_rows("| Types | They tell of |"));
    assert_eq!(types, EventType::ALL.map(EventType::name));
    let errors = names(webhook_rows("| Error | What happened | What to do |"));
    let failures: Vec<_> = AttemptFailure::ALL.iter().map(|failure| failure.name()).collect();
    assert_eq!(errors, failures);
    let reasons = names(webhook_rows("| Disabled because | What it means |"));
    assert_eq!(reasons, DisableReason::ALL.map(DisableReason::name));
}

#[test]
fn the_page_on_webhooks_shows_the_schedule_that_is_kept() {
    let told = |seconds: u64| match seconds {
        0..60 => format!("{seconds} seconds"),
        60..3_600 => format!("{} minutes", seconds / 60),
        3_600 => "1 hour".to_owned(),
        _ => format!("{} hours", seconds / 3_600),
    };
    let schedule = (2..).zip(Schedule::DEFAULT_SECONDS);
    let rows: Vec<_> = schedule
        .map(|(number, seconds)| format!("| {number} | {} |", told(seconds)))
        .collect();
    let table = format!("| Try | After |\n|---|---|\n{}\n\n", rows.join("\n"));
    assert!(WEBHOOKS.contains(&table), "{table}");
}

#[test]
fn the_page_on_events_explains_every_type() {
    for kind in EventType::ALL {
        let row = format!("| `{kind}` |");
        assert!(
            EVENTS.lines().any(|line| line.starts_with(&row)),
            "nothing on {row}"
        );
    }
}

#[test]
fn the_drawing_names_every_state_and_reason() {
    let states = DeviceState::ALL.map(DeviceState::name);
    let reasons = DeviceReason::ALL.iter().map(|reason| reason.name());
    for name in states.into_iter().chain(reasons) {
        assert!(LIFECYCLE.contains(&format!(">{name}<")), "no {name}");
    }
}

/// The first example of the page, as a reader would type it.
#[tokio::test]
async fn the_example_on_sessions_runs() -> anyhow::Result<()> {
    let network = TestSandbox::start(&postern()).await?;
    let daemon = TestDaemon::start(&postern(), &network).await?;
    let (_, example) = SESSIONS.split_once("```sh elsewhere\n").context("an example")?;
    let (example, _) = example.split_once("```").context("its end")?;
    for line in example.lines() {
        let (command, outcome) = line.split_once('#').context("a comment")?;
        let arguments: Vec<_> = command.split_whitespace().skip(2).collect();
        if arguments.contains(&"--pair") {
            let mut showing = Showing::start(&daemon, &arguments)?;
            network.scan(OWNER, &showing.qr().await?).await?;
            let (code, _, complaint) = showing.ended().await?;
            anyhow::ensure!(code == Some(0), "{line}: {complaint}");
            continue;
        }
        let said = done(&daemon, &arguments).await?;
        // `support (dev_…) is …`, where the page shows what is printed.
        if let Some((_, state)) = outcome.split_once("(dev_…)") {
            assert!(said.trim_end().ends_with(state), "{line}: {said}");
        }
    }
    Ok(())
}

/// The first example of the page, as a reader would type it: each line prints what the page says, but for the ids.
#[tokio::test]
async fn the_example_on_sending_runs() -> anyhow::Result<()> {
    let (network, daemon, device) = linked().await?;
    let (_, example) = SENDING.split_once("```sh\n").context("an example")?;
    let (example, _) = example.split_once("```").context("its end")?;
    let folder = tempfile::tempdir()?;
    // The page's reader has a device that is called so.
    let example = example.replace("--device support", &format!("--device {device}"));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_postern"));
    let programs = program
        .parent()
        .and_then(|folder| folder.to_str())
        .context("a folder")?;
    let script = format!("set -e\nPATH=\"{programs}:$PATH\"\n{example}");
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(folder.path())
        .kill_on_drop(true);
    shell
        .env("POSTERN_URL", daemon.http().base())
        .env("POSTERN_API_KEY", daemon.key());
    let output = tokio::time::timeout(DEADLINE, shell.output()).await??;
    let complaint = String::from_utf8(output.stderr)?;
    anyhow::ensure!(output.status.success(), "{complaint}");
    let said = String::from_utf8(output.stdout)?;
    let promised = example.lines().filter_map(|line| Some(line.split_once("# ")?.1));
    let promised: Vec<_> = promised.collect();
    assert_eq!(said.lines().count(), promised.len(), "{said}");
    for (line, promise) in said.lines().zip(promised) {
        for part in promise.split('…') {
            assert!(line.contains(part), "{line}: {promise}");
        }
    }
    assert_eq!(
        network.contact_has(CONTACT, 2).await?[1]["text"],
        "Hi Ada, order 1234 is on its way"
    );
    Ok(())
}
