-- What a network's webhook brought, as it came, until the store has it. A row that is taken is deleted; what of it
-- could not be understood stays for a person.

CREATE TABLE calls (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  network TEXT NOT NULL,
  body BLOB NOT NULL,
  error TEXT,                         -- why what is left of it needs a person
  received_at INTEGER NOT NULL,
  taken_at INTEGER
) STRICT;
CREATE INDEX calls_waiting ON calls (seq) WHERE taken_at IS NULL;
CREATE INDEX calls_left ON calls (received_at) WHERE taken_at IS NOT NULL;
