-- The people who use the dashboard, and what they did.

CREATE TABLE operators (
    id           BLOB PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    -- What they log in with, in lower case.
    name         TEXT NOT NULL UNIQUE,
    -- 1 owner, 2 operator, 3 viewer.
    role         INTEGER NOT NULL,
    -- Argon2id, as a PHC string with its salt and costs.
    password     TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX operators_by_workspace ON operators (workspace_id, id);

-- Who is logged in.
CREATE TABLE operator_sessions (
    -- SHA-256 of the random token in the browser's cookie.
    hash        BLOB PRIMARY KEY,
    operator_id BLOB NOT NULL REFERENCES operators (id),
    created_at  INTEGER NOT NULL,
    -- Written at most once a minute.
    seen_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX operator_sessions_by_operator ON operator_sessions (operator_id);

-- What was done by whom: written in the transaction of the act, never changed. No secrets, texts or phone numbers.
CREATE TABLE audit (
    seq          INTEGER PRIMARY KEY,
    workspace_id BLOB NOT NULL,
    at           INTEGER NOT NULL,
    -- The operator's id, and the name at the time: the operator may be gone.
    actor        BLOB NOT NULL,
    actor_name   TEXT NOT NULL,
    -- e.g. `device.pause`
    action       TEXT NOT NULL,
    -- The id of what it was done to; may be empty.
    target       TEXT NOT NULL,
    details      TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_workspace ON audit (workspace_id, seq);
