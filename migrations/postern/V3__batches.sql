-- Messages that were accepted together.

CREATE TABLE batches (
    -- The order of acceptance.
    seq          INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    workspace_id BLOB NOT NULL,
    -- How many messages were asked for, and how many of them were refused.
    total        INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT;

-- NULL when it was accepted alone, or received.
ALTER TABLE messages ADD COLUMN batch_id BLOB;
-- Finds the messages of a batch in the order of acceptance. Only those in batches pay for it.
CREATE INDEX messages_by_batch ON messages (batch_id) WHERE batch_id IS NOT NULL;
