-- Who acts may be an API key as well, and the shell has a kind of its own.

-- 1 operator, 2 shell, 3 API key, 4 a key of the gateway's administration, seen from another workspace than its own. `actor` is
-- the id of an operator or a key, and zeros otherwise.
ALTER TABLE audit ADD COLUMN actor_kind INTEGER NOT NULL DEFAULT 1;
-- The last four characters of an API key.
ALTER TABLE audit ADD COLUMN actor_last_four TEXT;

UPDATE audit SET actor_kind = 2 WHERE actor = zeroblob(16);

-- What programs do is forgotten after a while; what people do is not.
CREATE INDEX audit_of_keys ON audit (at) WHERE actor_kind > 2;
