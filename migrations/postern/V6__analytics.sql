-- How many messages there are of each status, by the day they were accepted or received on, and how long they took.
-- Changed with the statuses themselves and kept when messages are forgotten, so that nothing is ever counted anew.

CREATE TABLE daily_counts (
    workspace_id BLOB NOT NULL,
    -- Days since the Unix epoch, UTC.
    day          INTEGER NOT NULL,
    device_id    BLOB NOT NULL,
    status       INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, day, device_id, status)
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_latencies (
    workspace_id BLOB NOT NULL,
    day          INTEGER NOT NULL,
    device_id    BLOB NOT NULL,
    -- postern.v1.Latencies. Nothing is known of messages that were sent by earlier releases.
    latencies    BLOB NOT NULL,
    PRIMARY KEY (workspace_id, day, device_id)
) STRICT, WITHOUT ROWID;

INSERT INTO daily_counts (workspace_id, day, device_id, status, count)
SELECT workspace_id, created_at / 86400000, device_id, status, 1 FROM messages
WHERE true
ON CONFLICT DO UPDATE SET count = count + 1;

-- Parked rows carry the workspace of their message, so that it lists them in order from an index. NULL in all others: they
-- are never listed, and most never parked.
DROP INDEX outbox_parked;
ALTER TABLE outbox ADD COLUMN workspace_id BLOB;
UPDATE outbox SET workspace_id = (SELECT workspace_id FROM messages WHERE messages.seq = outbox.seq) WHERE lane = 5;
CREATE INDEX outbox_parked ON outbox (workspace_id, seq) WHERE lane = 5;
