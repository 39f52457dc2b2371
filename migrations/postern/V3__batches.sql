-- Messages that were accepted together.

CREATE TABLE batches (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    -- How many messages were asked for, and how many of them were refused.
    total        INTEGER NOT NULL,
    refused      INTEGER NOT NULL,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- NULL when it was accepted alone, or received.
ALTER TABLE messages ADD COLUMN batch_id BLOB;
-- Finds the messages of a batch in the order of acceptance. Only those in batches pay for it.
CREATE INDEX messages_by_batch ON messages (batch_id) WHERE batch_id IS NOT NULL;
