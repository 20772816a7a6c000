-- People of the team who work at the desk.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  login TEXT NOT NULL UNIQUE,         -- lower case; of the whole installation, so that nobody is asked for their business
  name TEXT NOT NULL,                 -- the actor of what they do
  name_key TEXT NOT NULL,             -- the name in lower case: two people are never told apart by capitals alone
  role TEXT NOT NULL,                 -- agent | supervisor | content | admin
  password_hash TEXT NOT NULL,        -- a PHC string
  must_change INTEGER NOT NULL,       -- 1 while the password is one that somebody else knows
  settings TEXT NOT NULL,             -- JSON: how they like their pages
  created_at INTEGER NOT NULL,
  seen_at INTEGER,
  disabled_at INTEGER
) STRICT;
CREATE UNIQUE INDEX users_by_name ON users (tenant, name_key);

-- Browsers that are signed in. What they hold is not here, only its hash.
CREATE TABLE sessions (
  secret_hash TEXT PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,            -- what lists call it
  user_id TEXT NOT NULL,
  csrf TEXT NOT NULL,
  entered TEXT NOT NULL,              -- password | link
  device TEXT NOT NULL,               -- browser and system in a word each
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL         -- moves on while it is used, up to a week after it began
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Links that sign somebody in once.
CREATE TABLE login_links (
  secret_hash TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_links_by_user ON login_links (user_id);
CREATE INDEX login_links_by_expiry ON login_links (expires_at);

-- Attempts to sign in that did not end in a session, by login and by address; both only as hashes.
CREATE TABLE login_attempts (
  subject TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  wait_until INTEGER NOT NULL,        -- before that no password is looked at
  forget_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_attempts_by_end ON login_attempts (forget_at);
