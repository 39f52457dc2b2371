-- The tries of one event, however many came after them.
CREATE INDEX attempts_by_event ON attempts (webhook_id, event_id, seq);
