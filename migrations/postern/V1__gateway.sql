-- The gateway's own data. Signal keys live in keys.db, so that restoring a backup of this file never
-- restores stale ratchets.
--
-- Ids are the 16 bytes of a ULID, times are milliseconds since the Unix epoch, statuses and kinds are the
-- numbers of the domain crate, contents and events are protobuf (proto/postern/v1).

CREATE TABLE workspaces (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL,
    plan       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name         TEXT NOT NULL,
    -- SHA-256 of the whole key. Keys carry 192 random bits, so a slow hash would add nothing.
    hash         BLOB NOT NULL UNIQUE,
    prefix       TEXT NOT NULL,
    last_four    TEXT NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
    id                BLOB PRIMARY KEY,
    workspace_id      BLOB NOT NULL REFERENCES workspaces (id),
    name              TEXT NOT NULL,
    intent            INTEGER NOT NULL,
    state             INTEGER NOT NULL,
    reason            INTEGER NOT NULL,
    since             INTEGER NOT NULL,
    retry_at          INTEGER,
    -- The account it is linked to, or was last linked to when `linked` is 0.
    linked            INTEGER NOT NULL DEFAULT 0,
    account_phone     INTEGER,
    account_lid       INTEGER,
    account_companion INTEGER,
    push_name         TEXT,
    platform          TEXT,
    -- What the operator asked for and no session has finished yet: 0 nothing, 1 a QR code, 2 a pairing code.
    pairing_wanted    INTEGER NOT NULL DEFAULT 0,
    pairing_phone     INTEGER,
    -- Counts the requests, so that a session can tell a new one from the one it is serving.
    pairing_request   INTEGER NOT NULL DEFAULT 0,
    -- The code on show: 1 a QR code, 2 a pairing code. Gone once used or expired.
    shown_kind        INTEGER,
    shown_code        TEXT,
    shown_until       INTEGER,
    -- The number of the device's last event.
    event_seq         INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_by_workspace ON devices (workspace_id, id);

-- One WhatsApp account is linked to at most one device of a workspace. A device on its way out (intent 3) does
-- not stand in the way of its successor.
CREATE UNIQUE INDEX devices_by_account ON devices (workspace_id, account_phone) WHERE linked = 1 AND intent <> 3;

CREATE TABLE messages (
    -- The order of acceptance.
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    workspace_id  BLOB NOT NULL,
    device_id     BLOB NOT NULL,
    -- 1 outbound, 2 inbound.
    direction     INTEGER NOT NULL,
    status        INTEGER NOT NULL,
    -- Canonical address of the chat: the recipient, or whom it came from.
    chat          TEXT NOT NULL,
    -- Who sent it; empty when we did.
    sender        TEXT NOT NULL,
    sender_lid    INTEGER,
    push_name     TEXT,
    stanza_id     TEXT NOT NULL,
    content       BLOB NOT NULL,
    -- The caller's JSON object, as it came.
    metadata      TEXT,
    scheduled_for INTEGER,
    failure_code  INTEGER,
    failure_text  TEXT,
    attempts      INTEGER NOT NULL DEFAULT 0,
    -- postern.v1.Timeline
    timeline      BLOB NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_device ON messages (workspace_id, device_id, seq);
CREATE INDEX messages_by_workspace ON messages (workspace_id, seq);
-- Few rows among many, and the ones that are looked for: 9 is `failed`.
CREATE INDEX messages_failed ON messages (workspace_id, seq) WHERE status = 9;
-- Finds a message for its ack or receipt, and folds redelivered inbound messages.
CREATE UNIQUE INDEX messages_by_stanza ON messages (device_id, stanza_id, sender, chat);

-- Accepted messages that have not reached the server. Small whatever the size of `messages`, and whatever waits
-- in it, taking the next one costs the same: the lane says who may go.
CREATE TABLE outbox (
    device_id BLOB NOT NULL,
    -- 0 ready: attempted in the order of `seq`.
    -- 1 scheduled: becomes ready at `due_at`.
    -- 2 in flight: handed to WhatsApp, no word from the server yet; attempted again at `due_at`.
    -- 3 waiting: the next of its chat, not to be attempted before `due_at`. At most one of a chat.
    -- 4 behind: held back by the one of its chat that waits, and after it in `seq`.
    -- 5 other account: accepted when the device was linked to another account than now.
    lane      INTEGER NOT NULL,
    -- The message. No foreign key: deleting old messages would search the outbox for each.
    seq       INTEGER NOT NULL,
    chat      TEXT NOT NULL,
    due_at    INTEGER NOT NULL,
    -- The account the device had at acceptance: a message never leaves from another one.
    account   INTEGER,
    PRIMARY KEY (device_id, lane, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX outbox_scheduled ON outbox (due_at) WHERE lane = 1;
CREATE INDEX outbox_due ON outbox (device_id, due_at) WHERE lane IN (2, 3);
-- Empty unless something is being retried.
CREATE INDEX outbox_held ON outbox (device_id, chat, seq) WHERE lane IN (3, 4);

CREATE TABLE idempotency (
    -- The order of acceptance, so that the oldest are found without another index.
    seq          INTEGER PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    endpoint     TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    http_status  INTEGER NOT NULL,
    -- The first answer, byte for byte.
    body         BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    UNIQUE (workspace_id, endpoint, key)
) STRICT;

CREATE TABLE events (
    seq          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    workspace_id BLOB NOT NULL,
    device_id    BLOB NOT NULL,
    -- Counted in the device's row. Without an index: nothing looks events up by it, and every event would pay.
    device_seq   INTEGER NOT NULL,
    kind         INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    -- postern.v1.Event
    payload      BLOB NOT NULL
) STRICT;

CREATE INDEX events_by_workspace ON events (workspace_id, seq);
