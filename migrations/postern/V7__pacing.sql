-- How fast a device may send, and whom it has written to.

-- postern.v1.Pacing; NULL is the default of the configuration.
ALTER TABLE devices ADD COLUMN pacing BLOB;
-- Until when nothing leaves because of it, and the milliseconds between messages from then on; NULL while it is not in the way.
ALTER TABLE devices ADD COLUMN paced_until INTEGER;
ALTER TABLE devices ADD COLUMN paced_gap INTEGER;
-- How many people were written to for the first time on the day that ends at `first_until`.
ALTER TABLE devices ADD COLUMN first_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN first_until INTEGER NOT NULL DEFAULT 0;

-- Chats that an account has written to; kept while the cap on new ones applies.
CREATE TABLE recipients (
    account INTEGER NOT NULL,
    chat    TEXT NOT NULL,
    PRIMARY KEY (account, chat)
) STRICT, WITHOUT ROWID;
