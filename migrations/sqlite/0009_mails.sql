-- All words of a mail, before what it quotes and how it is signed was taken off; null where nothing was.
ALTER TABLE messages ADD COLUMN whole TEXT;

-- Which mails that nobody looked at left for an address in the last day: two machines that answer each other must come to
-- an end.
CREATE TABLE mail_pace (
  tenant TEXT NOT NULL,
  recipient TEXT NOT NULL,            -- SHA-256 of the address
  mails TEXT NOT NULL,                -- JSON: ids in the outbox, each with when it left
  last_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, recipient)
) STRICT;
CREATE INDEX mail_pace_by_time ON mail_pace (last_at);
