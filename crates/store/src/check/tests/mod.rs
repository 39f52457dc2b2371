//! Every check finds what it is there for: a sound folder is broken on purpose, one breach at a time.

mod sound;

use std::fs;

use postern_domain::ParkReason;

use self::sound::Sound;
use super::*;

#[tokio::test]
async fn nothing_is_found_in_a_sound_folder_and_nothing_left_out() {
    let sound = Sound::new().await;
    for check in sound.check() {
        assert_eq!(
            check.outcome,
            CheckOutcome::Holds,
            "{}: {}",
            check.file,
            check.name
        );
    }
}

/// Each breach, the check it is for, and what else cannot but be found.
const BREACHES: &[(&str, &str, &[&str])] = &[
    (
        "device-states",
        "UPDATE devices SET state = 1 WHERE linked = 1",
        &[],
    ),
    (
        "device-states",
        "UPDATE devices SET reason = 99 WHERE linked = 1",
        &[],
    ),
    (
        "device-accounts",
        "UPDATE devices SET account_companion = NULL",
        &[],
    ),
    (
        "account-devices",
        "DROP INDEX devices_by_account; UPDATE devices SET linked = 1, account_phone = 15550000001",
        &[],
    ),
    (
        "message-statuses",
        "UPDATE messages SET direction = 1 WHERE stanza_id = 'IN'",
        &[],
    ),
    (
        "message-statuses",
        "UPDATE messages SET direction = 3 WHERE stanza_id = 'SENT'",
        &[],
    ),
    (
        "message-timelines",
        "UPDATE messages SET status = 7 WHERE stanza_id = 'SENT'",
        &["day-counts"],
    ),
    (
        "message-timelines",
        "UPDATE messages SET timeline = x'' WHERE stanza_id = 'READY'",
        &[],
    ),
    (
        "message-timelines",
        "UPDATE messages SET timeline = x'ff' WHERE stanza_id = 'IN'",
        &[],
    ),
    (
        "outbox-messages",
        "DELETE FROM messages WHERE stanza_id = 'READY'",
        &["day-counts"],
    ),
    (
        "outbox-statuses",
        "UPDATE messages SET status = 9, timeline = x'0a020809' WHERE stanza_id = 'READY'",
        &["day-counts"],
    ),
    ("outbox-complete", "DELETE FROM outbox WHERE lane = 0", &[]),
    (
        "outbox-complete",
        "INSERT INTO outbox SELECT device_id, 2, seq, chat, due_at, account, parked, NULL FROM outbox WHERE lane = 0",
        &["outbox-lanes"],
    ),
    (
        "outbox-addresses",
        "UPDATE outbox SET chat = '15550000099' WHERE lane = 0",
        &[],
    ),
    (
        "outbox-addresses",
        "UPDATE outbox SET account = 15550000099 WHERE lane = 0",
        &[],
    ),
    (
        "outbox-addresses",
        "UPDATE outbox SET account = NULL WHERE lane = 0",
        &[],
    ),
    ("outbox-devices", "DELETE FROM devices WHERE linked = 0", &[]),
    ("outbox-lanes", "UPDATE outbox SET lane = 2 WHERE lane = 0", &[]),
    ("outbox-lanes", "UPDATE outbox SET lane = 0 WHERE lane = 2", &[]),
    ("outbox-lanes", "UPDATE outbox SET lane = 1 WHERE lane = 0", &[]),
    (
        "outbox-lanes",
        "UPDATE outbox SET lane = 6 WHERE lane = 0",
        &["outbox-complete"],
    ),
    // One behind nobody; two that wait; the wrong one that waits.
    ("outbox-chats", "UPDATE outbox SET lane = 4 WHERE lane = 3", &[]),
    ("outbox-chats", "UPDATE outbox SET lane = 3 WHERE lane = 4", &[]),
    (
        "outbox-chats",
        "UPDATE outbox SET lane = 7 - lane WHERE lane IN (3, 4)",
        &[],
    ),
    (
        "parked-reasons",
        "UPDATE outbox SET parked = NULL WHERE lane = 5",
        &[],
    ),
    (
        "parked-reasons",
        "UPDATE outbox SET parked = 9 WHERE lane = 5",
        &[],
    ),
    (
        "parked-reasons",
        "UPDATE outbox SET parked = 1 WHERE lane = 0",
        &[],
    ),
    (
        "parked-workspaces",
        "UPDATE outbox SET workspace_id = NULL WHERE lane = 5",
        &[],
    ),
    (
        "parked-workspaces",
        "UPDATE outbox SET workspace_id = randomblob(16) WHERE lane = 5",
        &[],
    ),
    (
        "parked-workspaces",
        "UPDATE outbox SET workspace_id = (SELECT id FROM workspaces) WHERE lane = 0",
        &[],
    ),
    (
        "parked-counts",
        "UPDATE devices SET parked = parked + 1 WHERE linked = 1",
        &[],
    ),
    (
        "batch-messages",
        "UPDATE messages SET batch_id = randomblob(16) WHERE stanza_id = 'SENT'",
        &[],
    ),
    ("event-numbers", "DELETE FROM events WHERE device_seq = 3", &[]),
    (
        "event-numbers",
        "UPDATE events SET device_seq = 2 WHERE device_seq = 3",
        &[],
    ),
    (
        "event-numbers",
        "UPDATE devices SET event_seq = event_seq + 1",
        &[],
    ),
    (
        "event-numbers",
        "UPDATE devices SET event_seq = event_seq - 1",
        &[],
    ),
    ("event-order", "UPDATE workspaces SET event_seq = 2", &[]),
    (
        "event-order",
        "UPDATE events SET workspace_seq = 1 WHERE workspace_seq = 2",
        &[],
    ),
    ("webhook-rows", "DELETE FROM webhooks", &[]),
    (
        "webhook-rows",
        "UPDATE attempts SET webhook_id = randomblob(16)",
        &[],
    ),
    ("webhook-positions", "UPDATE webhooks SET position = 1000", &[]),
    (
        "delivery-devices",
        "UPDATE deliveries SET device_id = (SELECT id FROM devices WHERE linked = 0)",
        &[],
    ),
    (
        "delivery-order",
        "UPDATE deliveries SET state = 2 WHERE state = 1",
        &[],
    ),
    ("delivery-order", "DELETE FROM deliveries WHERE state = 1", &[]),
    (
        "idempotency-keys",
        "CREATE TABLE other AS SELECT * FROM idempotency; DROP TABLE idempotency;
         ALTER TABLE other RENAME TO idempotency; UPDATE idempotency SET key = 'a'",
        &[],
    ),
    (
        "workspaces",
        "UPDATE idempotency SET workspace_id = randomblob(16)",
        &[],
    ),
    (
        "workspaces",
        "UPDATE messages SET workspace_id = randomblob(16) WHERE stanza_id = 'SENT'",
        &["workspace-devices", "day-counts"],
    ),
    // One too few of what ended; one too many and too few of what is to be sent; another day; no status.
    ("day-counts", "DELETE FROM daily_counts WHERE status = 5", &[]),
    (
        "day-counts",
        "UPDATE daily_counts SET count = count + 1 WHERE status = 3",
        &[],
    ),
    (
        "day-counts",
        "UPDATE daily_counts SET count = count - 1 WHERE status = 2",
        &[],
    ),
    (
        "day-counts",
        "UPDATE daily_counts SET day = 1 WHERE status = 11",
        &[],
    ),
    (
        "day-counts",
        "INSERT INTO daily_counts SELECT workspace_id, day, device_id, 12, 1 FROM daily_counts WHERE status = 11",
        &[],
    ),
    (
        "search-shelves",
        "INSERT INTO search_shelves (number) VALUES (7)",
        &[],
    ),
    (
        "workspace-devices",
        "INSERT INTO workspaces (id, name, plan, created_at, event_seq)
             SELECT randomblob(16), name, plan, created_at, event_seq FROM workspaces;
         UPDATE events SET workspace_id = (SELECT max(id) FROM workspaces) WHERE device_seq = 1;
         UPDATE events SET workspace_id = (SELECT min(id) FROM workspaces) WHERE device_seq = 2",
        &[],
    ),
    (
        "operator-owners",
        "INSERT INTO operators (id, workspace_id, name, role, password, created_at)
         SELECT randomblob(16), id, 'eve', 3, '', 0 FROM workspaces",
        &[],
    ),
];

#[tokio::test]
async fn every_check_of_the_data_finds_its_breach_and_no_other_does() {
    let sound = Sound::new().await;
    let database = fs::read(sound.path("postern.db")).expect("read");
    for (name, sql, others) in BREACHES {
        sound.break_with("postern.db", sql);
        let mut expected: Vec<_> = others.iter().copied().chain([*name]).collect();
        let mut broken = sound.broken();
        broken.sort_unstable();
        expected.sort_unstable();
        assert_eq!(broken, expected, "{sql}");
        fs::write(sound.path("postern.db"), &database).expect("as it was");
    }
    for rule in data::CHECKS {
        let tried = BREACHES.iter().any(|(name, ..)| *name == rule.name);
        assert!(tried, "no breach of {}", rule.name);
    }
}

#[tokio::test]
async fn damage_of_a_file_is_found_and_ends_the_look_at_it() {
    let sound = Sound::new().await;
    let database = fs::read(sound.path("postern.db")).expect("read");
    let undo = || fs::write(sound.path("postern.db"), &database).expect("as it was");

    sound.break_with(
        "postern.db",
        "UPDATE devices SET workspace_id = randomblob(16) WHERE linked = 0",
    );
    assert_eq!(sound.broken(), ["references", "workspace-devices"]);
    undo();
    // An index that lacks an entry.
    sound.break_with(
        "postern.db",
        "PRAGMA writable_schema = on; UPDATE sqlite_schema SET sql = 'CREATE INDEX outbox_parked ON outbox (workspace_id, seq) \
         WHERE lane = 0' WHERE name = 'outbox_parked'",
    );
    assert_eq!(sound.broken(), ["integrity"]);
    let skipped = sound.names(|outcome| matches!(outcome, CheckOutcome::Skipped { .. }));
    assert_eq!(skipped.len(), 1 + data::CHECKS.len() + links::RULES.len());
    undo();
    sound.break_with("postern.db", "PRAGMA application_id = 1");
    assert_eq!(sound.broken(), ["kind"]);
    undo();
    fs::write(sound.path("postern.db"), "no database").expect("written");
    assert_eq!(sound.broken(), ["kind"]);
    undo();
    assert!(sound.broken().is_empty());
}

#[tokio::test]
async fn other_versions_are_told_apart() {
    let sound = Sound::new().await;
    sound.break_with(
        "postern.db",
        "UPDATE refinery_schema_history SET version = version + 100",
    );
    assert_eq!(sound.broken(), ["schema"]);
    sound.break_with("postern.db", "DELETE FROM refinery_schema_history WHERE version > 101; UPDATE refinery_schema_history SET version = 1");
    assert!(sound.broken().is_empty());
    assert_eq!(sound.warnings(), ["schema"]);
}

#[tokio::test]
async fn keys_and_links_that_do_not_fit_are_warned_of() {
    let sound = Sound::new().await;
    let (database, keys) = (
        fs::read(sound.path("postern.db")).expect("read"),
        fs::read(sound.path("keys.db")).expect("read"),
    );
    for (name, sql) in [
        ("keys-of-devices", "DELETE FROM devices WHERE linked = 1"),
        (
            "accounts-of-keys",
            "UPDATE devices SET account_phone = 15550000099 WHERE linked = 1",
        ),
        ("accounts-of-keys", "UPDATE devices SET linked = 0"),
    ] {
        sound.break_with("postern.db", sql);
        assert_eq!(sound.warnings(), [name], "{sql}");
        fs::write(sound.path("postern.db"), &database).expect("as it was");
    }
    sound.break_with("keys.db", "DELETE FROM device_records");
    assert_eq!(sound.warnings(), ["keys-of-links"]);
    fs::write(sound.path("keys.db"), &keys).expect("as it was");
    sound.break_with("keys.db", "PRAGMA foreign_keys = off; DELETE FROM devices");
    assert_eq!(sound.broken(), ["references"]);
    fs::remove_file(sound.path("keys.db")).expect("removed");
    assert_eq!(
        (sound.broken(), sound.warnings()),
        (vec![], vec!["keys-of-links"])
    );
}

#[tokio::test]
async fn a_folder_without_data_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let data_dir = folder.path().to_owned();
    let looked = Check { data_dir }.run(&mut |_step| {});
    assert!(matches!(looked, Err(OpenError::File { .. })));
    assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0);
}

#[tokio::test]
async fn findings_are_counted_and_name_ids_alone() {
    let sound = Sound::new().await;
    sound.break_with("postern.db", "DELETE FROM outbox");
    let checks = sound.check();
    let complete = checks
        .iter()
        .find(|check| check.name == "outbox-complete")
        .expect("made");
    let CheckOutcome::Broken(found) = &complete.outcome else {
        panic!("{complete:?}");
    };
    assert_eq!((found.count, found.examples.len()), (5, 5));
    assert!(
        found.examples.iter().all(|id| id.starts_with("msg_")),
        "{found:?}"
    );
    assert!(!format!("{checks:?}").contains("1555"), "a phone number");
    assert_eq!(ParkReason::ALL.len(), 3, "the numbers in parked-reasons");
}
