-- Words that their senders changed or took back, files that people send, and what is known of addresses.

-- What a message said before it was changed; null while nothing was. Its text is always what it says now: nothing, once
-- its sender took it back.
ALTER TABLE messages ADD COLUMN original TEXT;
ALTER TABLE messages ADD COLUMN edited_at INTEGER;
ALTER TABLE messages ADD COLUMN deleted_at INTEGER;

-- Every change that a network told of, once, in whatever order they came.
CREATE TABLE message_changes (
  tenant TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT NOT NULL,          -- of the change
  target TEXT NOT NULL,               -- the sender's id of the message that is changed
  thread TEXT NOT NULL,               -- whose it is, as conversations know them
  kind TEXT NOT NULL,                 -- edit | unread | revoke
  text TEXT NOT NULL,                 -- of an edit
  changed_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  message_id TEXT,                    -- the message that has these words; null while none is known
  PRIMARY KEY (tenant, channel, account, external_id)
) STRICT;
CREATE INDEX message_changes_by_message ON message_changes (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX message_changes_by_thread ON message_changes (thread);
CREATE INDEX message_changes_by_target ON message_changes (tenant, channel, account, target);
CREATE INDEX message_changes_early ON message_changes (received_at) WHERE message_id IS NULL;

-- Of a file that people send: the reply that it goes with. Its message_id is empty until that has left.
ALTER TABLE attachments ADD COLUMN outbox_id TEXT;
CREATE INDEX attachments_by_outbox ON attachments (outbox_id) WHERE outbox_id IS NOT NULL;
CREATE INDEX attachments_unused ON attachments (created_at)
  WHERE message_id = '' AND outbox_id IS NULL AND state = 'kept';

-- Short answers that a draft offers to tap; null for none. A list in JSON.
ALTER TABLE drafts ADD COLUMN choices TEXT;

-- What is known of an address or of whom it is: what they do not want, and that nothing arrives there. The youngest news
-- counts, in whatever order they came, so that what has ended stays as a row that does not stand.
CREATE TABLE contact_marks (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,                 -- customer | email | phone | network: what the value is
  value TEXT NOT NULL,
  mark TEXT NOT NULL,                 -- opted_out | no_marketing | unreachable
  standing INTEGER NOT NULL,          -- 1 while it holds
  reason TEXT,                        -- how it came about: a word of the network, a code, never a customer's words
  at INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, value, mark)
) STRICT;
