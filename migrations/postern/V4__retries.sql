-- The account a message was accepted for, as in its outbox row, so that a failed one is never retried from another.
-- NULL when the device had none, and in rows of earlier releases.
ALTER TABLE messages ADD COLUMN account INTEGER;
