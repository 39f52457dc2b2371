-- When a key gives way to its successor. Its own expiry stays, and is what a further successor inherits.
ALTER TABLE api_keys ADD COLUMN replaced_at INTEGER;
