-- Finding messages: by what the caller calls them, and by the words of their texts.

-- The caller's own name for the message; NULL when it gave none, or when it was received.
ALTER TABLE messages ADD COLUMN client_reference TEXT;
-- Only those that have one pay for it.
CREATE INDEX messages_by_reference ON messages (workspace_id, client_reference) WHERE client_reference IS NOT NULL;

-- The words of texts stand in full-text tables, a *shelf* for each stretch of the order of acceptance: `message_words_0`
-- and so on, made when the first message of the stretch is indexed and dropped when the last one is deleted
-- (crates/store/src/data/tables/shelves.rs). These are the ones there are.
CREATE TABLE search_shelves (number INTEGER PRIMARY KEY) STRICT;

-- Up to which message the words are there. They are written after the messages, so that accepting does not wait for it.
CREATE TABLE search_position (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO search_position (id, seq) VALUES (1, 0);
