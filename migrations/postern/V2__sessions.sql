-- What an operator asks for beyond an intent, what is counted for a device, and messages that are parked.

-- The intent may be 4 now: the link is to be taken back and the device kept.

-- Counts the requests to connect anew; the session writes which of them it has served.
ALTER TABLE devices ADD COLUMN reconnect_request INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN reconnect_served INTEGER NOT NULL DEFAULT 0;
-- Whether the history goes with the device when it is removed.
ALTER TABLE devices ADD COLUMN purge INTEGER NOT NULL DEFAULT 0;

-- When WhatsApp was last heard of: a login, an ack, a receipt, a message.
ALTER TABLE devices ADD COLUMN heard_at INTEGER;
-- Since the device was created.
ALTER TABLE devices ADD COLUMN reconnects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN received INTEGER NOT NULL DEFAULT 0;

-- How many of its messages are parked.
ALTER TABLE devices ADD COLUMN parked INTEGER NOT NULL DEFAULT 0;
-- Why its waiting messages are being parked, while that goes on: 1 logged out, 3 account removed.
ALTER TABLE devices ADD COLUMN parking INTEGER;

-- Lane 5 is the parked ones now, each with its reason: 1 the device was logged out, 2 the device is linked to another
-- account than at acceptance, 3 the account was removed. `due_at` says since when.
ALTER TABLE outbox ADD COLUMN parked INTEGER;
UPDATE outbox SET parked = 2 WHERE lane = 5;
UPDATE devices SET parked = (SELECT count(*) FROM outbox WHERE device_id = devices.id AND lane = 5);
-- Lists the parked ones of a workspace. Empty unless something is parked.
CREATE INDEX outbox_parked ON outbox (seq) WHERE lane = 5;
