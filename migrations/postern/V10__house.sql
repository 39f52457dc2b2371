-- What API keys may do and for how long, which workspaces may do anything, and what is counted against their plans.

-- A bit for each scope of the domain crate. Keys of earlier releases could do everything there was.
ALTER TABLE api_keys ADD COLUMN scopes INTEGER NOT NULL DEFAULT 511;
-- Networks the key may be used from, in CIDR notation, parted by spaces; empty is anywhere.
ALTER TABLE api_keys ADD COLUMN networks TEXT NOT NULL DEFAULT '';
-- NULL is never.
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN revoked_at INTEGER;
-- Written at most once a minute.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;

CREATE INDEX api_keys_by_workspace ON api_keys (workspace_id, id);

-- Since when nothing is accepted and nothing leaves, and why; NULL while it is active.
ALTER TABLE workspaces ADD COLUMN deactivated_at INTEGER;
ALTER TABLE workspaces ADD COLUMN deactivated_reason TEXT;
-- The limits of its plan, as the configuration had them when the daemon started; NULL is no limit.
ALTER TABLE workspaces ADD COLUMN device_limit INTEGER;
ALTER TABLE workspaces ADD COLUMN message_limit INTEGER;
-- The calendar month that is counted, in months since the year 0, and how many messages were accepted in it.
ALTER TABLE workspaces ADD COLUMN month INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN month_used INTEGER NOT NULL DEFAULT 0;
-- The percentage of the limit that was last warned of in the month; 0 is none.
ALTER TABLE workspaces ADD COLUMN month_warned INTEGER NOT NULL DEFAULT 0;
-- Below this number a message is counted without a look at the limit.
ALTER TABLE workspaces ADD COLUMN month_look_at INTEGER NOT NULL DEFAULT 0;
