-- From here on `secret`, `previous_secret` and `headers` of webhooks are sealed: a byte 1, twelve of a nonce, and what
-- ChaCha20-Poly1305 makes of the value, with the endpoint's id and the column's name as associated data. The key is not in this
-- file, so the daemon seals what is there when it starts (crates/store/src/vault.rs). Earlier releases could not read it, and
-- refuse a file of this version.
SELECT 1;
