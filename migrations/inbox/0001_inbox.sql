-- The inbox is a file of its own, so that what arrives is kept while the store is away.

CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  message_id TEXT NOT NULL UNIQUE,
  ticket_id TEXT NOT NULL,
  tenant TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,
  payload TEXT,                       -- null once the store has the message
  error TEXT,                         -- why the store refused it, for a person to look at
  received_at INTEGER NOT NULL,
  taken_at INTEGER,
  UNIQUE (tenant, channel, account, external_id)
) STRICT;
CREATE INDEX inbox_waiting ON inbox (seq) WHERE taken_at IS NULL;
CREATE INDEX inbox_taken ON inbox (taken_at) WHERE taken_at IS NOT NULL;

CREATE TABLE idempotency (
  tenant TEXT NOT NULL,
  token_id TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  message_id TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, token_id, key)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
