-- Signal keys and everything else that whatsapp-rust keeps for a linked device.
--
-- Every row belongs to a device and dies with its row in `devices`, so a wipe is one DELETE. AUTOINCREMENT never
-- gives out an id twice: what still holds the id of a wiped device can write nothing.
--
-- Small rows live in their primary key (WITHOUT ROWID); sessions and messages are too large for that to pay.
-- Times are Unix seconds.

CREATE TABLE devices (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    device BLOB NOT NULL UNIQUE
) STRICT;

-- The account itself: identity, noise and signed prekeys, JIDs, push name. JSON of wacore's `Device`.
CREATE TABLE device_records (
    device INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,
    value  BLOB NOT NULL
) STRICT;

CREATE TABLE identities (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT;

CREATE TABLE sender_keys (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT;

CREATE TABLE prekeys (
    device   INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    id       INTEGER NOT NULL,
    value    BLOB NOT NULL,
    uploaded INTEGER NOT NULL,
    PRIMARY KEY (device, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE signed_prekeys (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    id     INTEGER NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, id)
) STRICT, WITHOUT ROWID;

-- `stored` numbers the calls, because the latest key is the one that was stored last.
CREATE TABLE sync_keys (
    device      INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    id          BLOB NOT NULL,
    value       BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    timestamp   INTEGER NOT NULL,
    stored      INTEGER NOT NULL,
    PRIMARY KEY (device, id)
) STRICT, WITHOUT ROWID;

-- JSON of wacore's `HashState` by collection.
CREATE TABLE app_state_versions (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT;

CREATE TABLE mutation_macs (
    device     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    collection TEXT NOT NULL,
    index_mac  BLOB NOT NULL,
    value_mac  BLOB NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (device, collection, index_mac)
) STRICT, WITHOUT ROWID;

CREATE TABLE sender_key_devices (
    device     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    group_jid  TEXT NOT NULL,
    member_jid TEXT NOT NULL,
    has_key    INTEGER NOT NULL,
    PRIMARY KEY (device, group_jid, member_jid)
) STRICT, WITHOUT ROWID;
CREATE INDEX sender_key_devices_by_member ON sender_key_devices (device, member_jid);

-- Replaced rather than updated, so that the order of the ids is the order of the calls.
CREATE TABLE lid_mappings (
    id              INTEGER PRIMARY KEY,
    device          INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    lid             TEXT NOT NULL,
    phone_number    TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    learning_source TEXT NOT NULL,
    UNIQUE (device, lid)
) STRICT;
CREATE INDEX lid_mappings_by_phone_number ON lid_mappings (device, phone_number, updated_at);

CREATE TABLE base_keys (
    device     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    address    TEXT NOT NULL,
    message_id TEXT NOT NULL,
    value      BLOB NOT NULL,
    PRIMARY KEY (device, address, message_id)
) STRICT, WITHOUT ROWID;

-- JSON of wacore's `DeviceListRecord` by user.
CREATE TABLE device_lists (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT;

CREATE TABLE group_metadata (
    device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (device, name)
) STRICT;

-- An empty token is a placeholder that only carries `sender_timestamp`.
CREATE TABLE tc_tokens (
    device           INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    jid              TEXT NOT NULL,
    token            BLOB NOT NULL,
    token_timestamp  INTEGER NOT NULL,
    sender_timestamp INTEGER,
    PRIMARY KEY (device, jid)
) STRICT, WITHOUT ROWID;

CREATE TABLE sent_messages (
    device     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    chat       TEXT NOT NULL,
    message_id TEXT NOT NULL,
    payload    BLOB NOT NULL,
    stored_at  INTEGER NOT NULL,
    PRIMARY KEY (device, chat, message_id)
) STRICT;
CREATE INDEX sent_messages_by_age ON sent_messages (device, stored_at);

CREATE TABLE pending_inbound (
    device    INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    chat      TEXT NOT NULL,
    sender    TEXT NOT NULL,
    id        TEXT NOT NULL,
    message   BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (device, chat, sender, id)
) STRICT;
CREATE INDEX pending_inbound_by_age ON pending_inbound (device, stored_at);

-- `expires_at` 0 is never, `message_ts` 0 is unknown.
CREATE TABLE msg_secrets (
    device     INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    chat       TEXT NOT NULL,
    sender     TEXT NOT NULL,
    message_id TEXT NOT NULL,
    secret     BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    message_ts INTEGER NOT NULL,
    PRIMARY KEY (device, chat, sender, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX msg_secrets_by_expiry ON msg_secrets (device, expires_at) WHERE expires_at <> 0;
