//! The invariants of the gateway's data that its tables cannot keep by themselves, each with what finds a breach.
//!
//! They hold after every commit, so they hold in every snapshot. Numbers of statuses, lanes and intents stand in the SQL
//! as they do in the indexes.

use std::collections::HashMap;

use postern_domain::{
    DeviceId, DeviceReason, DeviceState, MessageId, MessageStatus, PhoneNumber, Timestamp, WorkspaceId,
};
use rusqlite::Connection;

use super::tables::{daily, devices, timeline};
use super::tally::Place;
use crate::StoreError;
use crate::check::Find::{Look, Rows};
use crate::check::Subject::{Device, Message, Webhook, Workspace};
use crate::check::{Found, Rule};

/// The checks of the gateway's data.
pub(crate) const CHECKS: &[Rule] = &[
    Rule {
        name: "device-states",
        promise: "The reason of every device belongs to its state.",
        find: Look(device_states),
    },
    Rule {
        name: "device-accounts",
        promise: "Every linked device has an account.",
        find: Rows(
            Device,
            "SELECT id FROM devices WHERE linked = 1 AND (account_phone IS NULL OR account_companion IS NULL)",
        ),
    },
    Rule {
        name: "account-devices",
        promise: "An account is linked to one device of a workspace.",
        find: Rows(
            Device,
            "SELECT id FROM devices NOT INDEXED WHERE linked = 1 AND intent <> 3
             GROUP BY workspace_id, account_phone HAVING count(*) > 1 AND account_phone IS NOT NULL",
        ),
    },
    Rule {
        name: "message-statuses",
        promise: "Received messages are received, and only they; every other status is one of a sent message.",
        find: Rows(
            Message,
            "SELECT id FROM messages WHERE status NOT BETWEEN 1 AND 11 OR direction NOT IN (1, 2)
                 OR (direction = 2) <> (status = 11)",
        ),
    },
    Rule {
        name: "message-timelines",
        promise: "The last step in the timeline of a message is its status.",
        find: Look(message_timelines),
    },
    Rule {
        name: "outbox-messages",
        promise: "Every row of the outbox is a message.",
        find: Rows(
            Device,
            "SELECT outbox.device_id FROM outbox LEFT JOIN messages ON messages.seq = outbox.seq
             WHERE messages.seq IS NULL",
        ),
    },
    Rule {
        name: "outbox-statuses",
        promise: "Whatever is in the outbox is still to be sent.",
        find: Rows(
            Message,
            "SELECT messages.id FROM outbox CROSS JOIN messages ON messages.seq = outbox.seq
             WHERE messages.status NOT IN (1, 2, 3, 4)",
        ),
    },
    Rule {
        name: "outbox-complete",
        promise: "Whatever is still to be sent is in the outbox, once.",
        find: Rows(
            Message,
            "SELECT id FROM messages WHERE status IN (1, 2, 3, 4) AND 1 <> (
                 SELECT count(*) FROM outbox WHERE outbox.device_id = messages.device_id
                     AND lane IN (0, 1, 2, 3, 4, 5) AND outbox.seq = messages.seq)",
        ),
    },
    Rule {
        name: "outbox-addresses",
        promise: "The outbox has the chat and the account that a message was accepted with.",
        find: Rows(
            Message,
            "SELECT messages.id FROM outbox CROSS JOIN messages ON messages.seq = outbox.seq
             WHERE outbox.device_id <> messages.device_id OR outbox.chat <> messages.chat
                 OR outbox.account IS NOT coalesce(messages.account, outbox.account)",
        ),
    },
    Rule {
        name: "outbox-devices",
        promise: "Every row of the outbox belongs to a device.",
        find: Rows(
            Device,
            "SELECT device_id FROM outbox WHERE device_id NOT IN (SELECT id FROM devices)",
        ),
    },
    Rule {
        name: "outbox-lanes",
        promise: "A message stands in the lane of the outbox that its status says.",
        find: Rows(
            Message,
            "SELECT messages.id FROM outbox CROSS JOIN messages ON messages.seq = outbox.seq
             WHERE messages.status IN (1, 2, 3, 4) AND NOT CASE outbox.lane
                 WHEN 0 THEN messages.status = 2
                 WHEN 1 THEN messages.status = 1
                 WHEN 2 THEN messages.status = 3
                 WHEN 3 THEN messages.status IN (2, 4)
                 WHEN 4 THEN messages.status IN (2, 4)
                 WHEN 5 THEN messages.status IN (2, 4)
                 ELSE 0 END",
        ),
    },
    Rule {
        name: "outbox-chats",
        promise: "In a chat that is held back exactly one message waits, its first.",
        find: Rows(
            Device,
            "SELECT device_id FROM outbox WHERE lane IN (3, 4) GROUP BY device_id, chat
             HAVING sum(lane = 3) <> 1 OR min(seq) <> min(iif(lane = 3, seq, NULL))",
        ),
    },
    Rule {
        name: "parked-reasons",
        promise: "Parked messages have a reason, and only they.",
        find: Rows(
            Message,
            "SELECT messages.id FROM outbox CROSS JOIN messages ON messages.seq = outbox.seq
             WHERE (outbox.lane = 5) <> coalesce(outbox.parked IN (1, 2, 3), 0)",
        ),
    },
    Rule {
        name: "parked-workspaces",
        promise: "Parked messages carry their workspace, and only they.",
        find: Rows(
            Message,
            "SELECT messages.id FROM outbox CROSS JOIN messages ON messages.seq = outbox.seq
             WHERE outbox.workspace_id IS NOT iif(outbox.lane = 5, messages.workspace_id, NULL)",
        ),
    },
    Rule {
        name: "parked-counts",
        promise: "Every device counts as many parked messages as it has.",
        find: Rows(
            Device,
            "SELECT id FROM devices WHERE parked <> (
                 SELECT count(*) FROM outbox WHERE device_id = devices.id AND lane = 5)",
        ),
    },
    Rule {
        name: "batch-messages",
        promise: "The messages of a batch belong to one that is there, and are no more than it accepted.",
        find: Rows(
            Message,
            "SELECT min(messages.id) FROM messages LEFT JOIN batches ON batches.id = messages.batch_id
             WHERE messages.batch_id IS NOT NULL GROUP BY messages.batch_id
             HAVING count(*) > coalesce(batches.total - batches.refused, 0)
                 OR max(messages.workspace_id <> batches.workspace_id)",
        ),
    },
    Rule {
        name: "event-numbers",
        promise: "The events of a device are numbered without gaps, up to the number it has counted to.",
        find: Look(event_numbers),
    },
    Rule {
        name: "event-order",
        promise: "The events of a workspace have growing numbers, none beyond the number it has counted to.",
        find: Look(event_order),
    },
    Rule {
        name: "idempotency-keys",
        promise: "An idempotency key is remembered once.",
        find: Rows(
            Workspace,
            "SELECT workspace_id FROM idempotency NOT INDEXED
             GROUP BY workspace_id, endpoint, key HAVING count(*) > 1",
        ),
    },
    Rule {
        name: "workspaces",
        promise: "Messages, batches, events and idempotency keys belong to a workspace that is there.",
        find: Rows(
            Workspace,
            "SELECT workspace_id FROM (
                 SELECT DISTINCT workspace_id FROM messages INDEXED BY messages_by_workspace
                 UNION SELECT DISTINCT workspace_id FROM events INDEXED BY events_by_workspace
                 UNION SELECT workspace_id FROM batches
                 UNION SELECT workspace_id FROM idempotency)
             WHERE workspace_id NOT IN (SELECT id FROM workspaces)",
        ),
    },
    Rule {
        name: "workspace-devices",
        promise: "Messages and events of a device belong to its workspace.",
        find: Rows(
            Device,
            "SELECT devices.id FROM devices JOIN (
                 SELECT DISTINCT device_id, workspace_id FROM messages INDEXED BY messages_by_device
                 UNION SELECT DISTINCT device_id, workspace_id FROM events WHERE device_id IS NOT NULL) AS rows
             ON rows.device_id = devices.id WHERE rows.workspace_id <> devices.workspace_id",
        ),
    },
    Rule {
        name: "operator-owners",
        promise: "A workspace that has operators has an owner among them.",
        find: Rows(
            Workspace,
            "SELECT workspace_id FROM operators GROUP BY workspace_id HAVING min(role) <> 1",
        ),
    },
    Rule {
        name: "day-counts",
        promise: "The messages that are there are counted, by their days and statuses; none is counted that is still to be \
                  sent and not there.",
        find: Look(day_counts),
    },
    Rule {
        name: "webhook-rows",
        promise: "What waits for a webhook, its tries and its replays belong to one that is there.",
        find: Rows(
            Webhook,
            "SELECT webhook_id FROM (
                 SELECT DISTINCT webhook_id FROM deliveries
                 UNION SELECT DISTINCT webhook_id FROM attempts INDEXED BY attempts_by_webhook
                 UNION SELECT webhook_id FROM replays)
             WHERE webhook_id NOT IN (SELECT id FROM webhooks)",
        ),
    },
    Rule {
        name: "webhook-positions",
        promise: "No webhook is past the end of the log.",
        find: Rows(
            Webhook,
            "SELECT id FROM webhooks WHERE position > (SELECT coalesce(max(seq), 0) FROM events)",
        ),
    },
    Rule {
        name: "delivery-devices",
        promise: "What waits for a webhook waits under the device that its event tells of.",
        find: Rows(
            Webhook,
            "SELECT deliveries.webhook_id FROM deliveries CROSS JOIN events ON events.seq = deliveries.event_seq
             WHERE deliveries.device_id IS NOT events.device_id",
        ),
    },
    Rule {
        name: "delivery-order",
        promise: "What is held back for a webhook is held back by an event of its device that is tried again.",
        find: Rows(
            Webhook,
            "SELECT webhook_id FROM deliveries INDEXED BY deliveries_of_device WHERE state <> 2
             GROUP BY webhook_id, device_id HAVING sum(state = 3) > 0 AND (device_id IS NULL OR sum(state = 1) = 0)",
        ),
    },
    Rule {
        name: "search-shelves",
        promise: "The words of texts stand in the tables that are written down, and those are there.",
        find: Look(search_shelves),
    },
];

/// Every device, with the account it is linked to now.
pub(crate) fn links(connection: &Connection) -> Result<HashMap<DeviceId, Option<PhoneNumber>>, StoreError> {
    devices::links(connection)
}

fn search_shelves(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "WITH shelves AS (SELECT 'message_words_' || number AS name FROM search_shelves),
              tables AS (SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE message_words_%')
         SELECT name FROM shelves WHERE name NOT IN (SELECT name FROM tables)
         UNION ALL SELECT name FROM tables WHERE name NOT IN (SELECT name FROM shelves)",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get(0)?;
        found.add(|| name);
    }
    Ok(())
}

fn device_states(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, state, reason FROM devices ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (state, reason) = (
            DeviceState::from_number(row.get(1)?),
            DeviceReason::from_number(row.get(2)?),
        );
        let fits = match (state, reason) {
            // A logout that left messages.
            (Some(DeviceState::Disconnected), Some(DeviceReason::LoggedOut)) => true,
            (Some(state), Some(reason)) => reason.state() == state,
            _ => false,
        };
        if !fits {
            let id = row.get(0)?;
            found.add(|| DeviceId::from_bytes(id).to_string());
        }
    }
    Ok(())
}

fn message_timelines(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut statement = connection.prepare("SELECT id, status, timeline FROM messages")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let status = MessageStatus::from_number(row.get(1)?);
        let steps = timeline::decode(row.get_ref(2)?.as_blob().unwrap_or_default());
        let last = steps.ok().and_then(|steps| Some(steps.last()?.status));
        if last.is_none() || last != status {
            let id = row.get(0)?;
            found.add(|| MessageId::from_bytes(id).to_string());
        }
    }
    Ok(())
}

/// What has ended may have been forgotten, and stays counted.
fn day_counts(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut missing = daily::all(connection)?;
    let mut statement =
        connection.prepare("SELECT workspace_id, created_at, device_id, status FROM messages")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (workspace, device) = (
            WorkspaceId::from_bytes(row.get(0)?),
            DeviceId::from_bytes(row.get(2)?),
        );
        let place = Place::of(workspace, device, Timestamp::from_millis(row.get(1)?));
        *missing.entry((place, row.get(3)?)).or_default() -= 1;
    }
    for ((place, status), missing) in missing {
        let status = MessageStatus::from_number(status);
        let fits = match status {
            Some(status) if status.is_in_outbox() => missing == 0,
            Some(_) => missing >= 0,
            None => false,
        };
        if !fits {
            let status = status.map_or("no status", MessageStatus::name);
            found.add(|| format!("{}, {}, {status}", place.device, place.day));
        }
    }
    Ok(())
}

/// The first number may be any: old events are forgotten, the oldest first. Those of removed devices are left as they are.
fn event_numbers(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut last: HashMap<[u8; 16], (i64, Option<i64>)> = HashMap::new();
    let mut statement = connection.prepare("SELECT id, event_seq FROM devices WHERE intent <> 3")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        last.insert(row.get(0)?, (row.get(1)?, None));
    }
    let mut statement = connection
        .prepare("SELECT device_id, device_seq FROM events WHERE device_id IS NOT NULL ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (device, number): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
        let Some((_, last)) = last.get_mut(&device) else {
            continue;
        };
        if last.is_some_and(|last| number != last + 1) {
            found.add(|| format!("{}, event {number}", DeviceId::from_bytes(device)));
        }
        *last = Some(number);
    }
    for (device, (counted, last)) in last {
        if last.is_some_and(|last| last != counted) {
            found.add(|| format!("{}, event {counted}", DeviceId::from_bytes(device)));
        }
    }
    Ok(())
}

/// Numbers may be missing: purges delete events in the middle.
fn event_order(connection: &Connection, found: &mut Found) -> Result<(), StoreError> {
    let mut counted: HashMap<[u8; 16], (i64, i64)> = HashMap::new();
    let mut statement = connection.prepare("SELECT id, event_seq FROM workspaces")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        counted.insert(row.get(0)?, (row.get(1)?, 0));
    }
    let mut statement = connection.prepare("SELECT workspace_id, workspace_seq FROM events ORDER BY seq")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (workspace, number): ([u8; 16], i64) = (row.get(0)?, row.get(1)?);
        // Of a workspace that is not there: another check says so.
        let Some((counted, last)) = counted.get_mut(&workspace) else {
            continue;
        };
        if number <= *last || number > *counted {
            found.add(|| format!("{}, event {number}", WorkspaceId::from_bytes(workspace)));
        }
        *last = number;
    }
    Ok(())
}
