-- Finding messages: by what the caller calls them.

-- The caller's own name for the message; NULL when it gave none, or when it was received.
ALTER TABLE messages ADD COLUMN client_reference TEXT;
-- Only those that have one pay for it.
CREATE INDEX messages_by_reference ON messages (workspace_id, client_reference) WHERE client_reference IS NOT NULL;
