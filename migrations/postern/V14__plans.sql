-- Whether the plan has webhooks, beside its other limits; what waits for endpoints waits until it has.
ALTER TABLE workspaces ADD COLUMN webhooks INTEGER NOT NULL DEFAULT 1;
