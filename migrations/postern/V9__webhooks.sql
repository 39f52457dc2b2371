-- Webhook endpoints. The event log is their queue: an endpoint that keeps up needs no row for an event, only its place in
-- the log, and thousands of events that wait for a dead one are no rows at all.

CREATE TABLE webhooks (
    id              BLOB PRIMARY KEY,
    workspace_id    BLOB NOT NULL REFERENCES workspaces (id),
    url             TEXT NOT NULL,
    description     TEXT NOT NULL DEFAULT '',
    -- A bit for the number of each wanted type; NULL is all.
    event_types     INTEGER,
    -- The wanted devices, 16 bytes each; NULL is all.
    devices         BLOB,
    -- postern.v1.Headers
    headers         BLOB NOT NULL DEFAULT x'',
    secret          BLOB NOT NULL,
    -- Signs as well until `previous_until`.
    previous_secret BLOB,
    previous_until  INTEGER,
    -- Whether the next event of a device waits for the one before it.
    ordered         INTEGER NOT NULL DEFAULT 0,
    -- Deliveries a minute; NULL is no limit.
    rate_cap        INTEGER,
    -- When the challenge was answered; NULL when it was skipped.
    verified_at     INTEGER,
    -- Why nothing is delivered: 1 by the operator, 2 the endpoint answered 410, 3 nothing but failures for too long,
    -- 4 it is being removed: the API does not show it any more. NULL while it is enabled.
    disabled        INTEGER,
    disabled_at     INTEGER,
    -- The last event (events.seq) that is delivered, not wanted, or has a row in `deliveries`, as all before it.
    position        INTEGER NOT NULL,
    -- Since when every try failed; NULL when the last one did not.
    failing_since   INTEGER,
    -- How many tries have failed in a row, and until when it is left alone because of it.
    failures        INTEGER NOT NULL DEFAULT 0,
    rest_until      INTEGER,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_by_workspace ON webhooks (workspace_id, id);

-- Events that an endpoint has still to get although its position is past them: those whose first try failed, and those that
-- are to be sent again.
CREATE TABLE deliveries (
    webhook_id BLOB NOT NULL,
    -- events.seq
    event_seq  INTEGER NOT NULL,
    -- NULL when the event is of no device.
    device_id  BLOB,
    -- How many tries there were.
    tries      INTEGER NOT NULL,
    -- 1 waiting for `due_at`, 2 parked since `due_at`: given up until it is replayed, 3 held back since `due_at` by an
    -- earlier event of its device that waits.
    state      INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    PRIMARY KEY (webhook_id, event_seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at) WHERE state = 1;
CREATE INDEX deliveries_parked ON deliveries (webhook_id, event_seq) WHERE state = 2;
CREATE INDEX deliveries_of_device ON deliveries (webhook_id, device_id, event_seq) WHERE state <> 2;

-- Every try.
CREATE TABLE attempts (
    seq         INTEGER PRIMARY KEY,
    webhook_id  BLOB NOT NULL,
    event_id    BLOB NOT NULL,
    kind        INTEGER NOT NULL,
    -- The how-manieth of its event: 1 is the first.
    number      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    -- The HTTP status, when an answer came.
    status      INTEGER,
    -- The number of the domain's AttemptFailure; NULL for a success.
    failure     INTEGER,
    -- The beginning of the answer's body when it was no success, at most 4 KiB.
    excerpt     BLOB,
    -- When the next try is due; NULL when there is none.
    next_at     INTEGER
) STRICT;

CREATE INDEX attempts_by_webhook ON attempts (webhook_id, seq);
CREATE INDEX attempts_failed ON attempts (webhook_id, seq) WHERE failure IS NOT NULL;

-- Requests to send events again, worked off in small steps.
CREATE TABLE replays (
    seq        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    webhook_id BLOB NOT NULL,
    -- 1 every wanted event of the range, 2 only the parked ones of it.
    kind       INTEGER NOT NULL,
    -- events.seq: the range, both included, and how far it is worked off.
    first_seq  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    -- How many events were found wanted so far.
    found      INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;

CREATE INDEX replays_by_webhook ON replays (webhook_id, seq);
CREATE INDEX replays_open ON replays (webhook_id) WHERE ended_at IS NULL;
