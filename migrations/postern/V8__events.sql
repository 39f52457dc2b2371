-- Events are counted for each workspace, and may be of no device.

-- The number of the workspace's last event. Counted here and not found in the log, so that no deletion makes a number be
-- given again.
ALTER TABLE workspaces ADD COLUMN event_seq INTEGER NOT NULL DEFAULT 0;

CREATE TABLE new_events (
    -- The order of the whole daemon.
    seq           INTEGER PRIMARY KEY,
    id            BLOB NOT NULL UNIQUE,
    workspace_id  BLOB NOT NULL,
    -- Counted in the workspace's row, so in the order of `seq`. Without an index: nothing looks events up by it. Events
    -- of earlier releases have their `seq` here.
    workspace_seq INTEGER NOT NULL,
    -- NULL, as `device_seq`, when the event is of no device.
    device_id     BLOB,
    -- Counted in the device's row. Without an index as well.
    device_seq    INTEGER,
    kind          INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    -- postern.v1.Event
    payload       BLOB NOT NULL
) STRICT;

INSERT INTO new_events (seq, id, workspace_id, workspace_seq, device_id, device_seq, kind, at, payload)
SELECT seq, id, workspace_id, seq, device_id, device_seq, kind, at, payload FROM events ORDER BY seq;

UPDATE workspaces SET event_seq = (SELECT coalesce(max(seq), 0) FROM events WHERE events.workspace_id = workspaces.id);

DROP TABLE events;
ALTER TABLE new_events RENAME TO events;
CREATE INDEX events_by_workspace ON events (workspace_id, seq);
