-- How far the folders of mailboxes were read: moved in the transaction that keeps what was read.

CREATE TABLE folders (
  name TEXT PRIMARY KEY,              -- mailbox and role
  cursor TEXT NOT NULL,               -- JSON, the watcher's own
  read_at INTEGER NOT NULL
) STRICT;
