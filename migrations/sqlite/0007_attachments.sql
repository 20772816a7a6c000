-- Files that came with messages. A row is its own job: it is due until nothing is left to be done with its file.
CREATE TABLE attachments (
  id TEXT PRIMARY KEY,                -- also the name of the file
  tenant TEXT NOT NULL,
  message_id TEXT NOT NULL,
  kind TEXT NOT NULL,                 -- image | voice | audio | video | document | sticker | file
  name TEXT,                          -- as the sender calls it
  claimed TEXT,                       -- the type that the sender claims
  sniffed TEXT,                       -- the type that the first bytes show
  size INTEGER,
  sha256 TEXT,
  source TEXT NOT NULL,               -- JSON: where it is to be had
  state TEXT NOT NULL,                -- waiting | kept | refused | lost | erased
  reason TEXT,                        -- why it is not here, or not yet
  words TEXT NOT NULL,                -- of a voice note: none | wanted | done | failed
  attempts INTEGER NOT NULL,          -- at what is to be done now
  leased INTEGER NOT NULL,            -- 1 while it is worked on
  due_at INTEGER,                     -- null once nothing is to be done
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attachments_due ON attachments (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX attachments_by_message ON attachments (message_id);

-- Since when the end of a turn waits for the words of a voice note.
ALTER TABLE jobs ADD COLUMN held_at INTEGER;
