-- Times are integer milliseconds UTC, ids and JSON are text. Customer text lives only in
-- conversations.contact/vault, messages, drafts, notes, outbox and customers (erasable); decisions
-- and audit hold ids, rule ids, hashes and scores.

CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,             -- raised by every change of modes or incident: nothing decided before it is sent after it
  policy_digest TEXT NOT NULL,
  incident TEXT                       -- the declared incident's id; while set, nothing leaves automatically
) STRICT;

CREATE TABLE counters (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,   -- SHA-256 of the secret part; the secret itself is shown once
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  reference TEXT NOT NULL,
  profile TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (tenant, reference)
) STRICT;

CREATE TABLE contacts (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,                 -- reference | email | phone
  value TEXT NOT NULL,                -- normalised
  customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  PRIMARY KEY (tenant, kind, value)
) STRICT;
CREATE INDEX contacts_customer ON contacts (customer_id);

CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  thread TEXT NOT NULL,
  customer_id TEXT,
  contact TEXT NOT NULL,
  language TEXT,
  version INTEGER NOT NULL,           -- raised by every message, takeover, mode change and human action
  fence INTEGER NOT NULL,             -- raised by every change of owner
  owner TEXT NOT NULL,                -- ai | review | queue | agent
  owner_ref TEXT,
  owner_until INTEGER,
  ai_turns INTEGER NOT NULL,          -- automatic replies since a person last answered
  opted_out INTEGER NOT NULL,
  ticket_id TEXT NOT NULL,
  vault TEXT NOT NULL,
  last_inbound_at INTEGER,
  last_outbound_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (tenant, channel, account, thread)
) STRICT;
CREATE INDEX conversations_customer ON conversations (customer_id);

CREATE TABLE tickets (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  number INTEGER NOT NULL,
  conversation_id TEXT NOT NULL REFERENCES conversations (id),
  customer_id TEXT,
  parent_id TEXT,                     -- the closed ticket that this one continues
  channel TEXT NOT NULL,
  source_ref TEXT NOT NULL,
  status TEXT NOT NULL,
  subject TEXT,
  language TEXT,
  category TEXT,
  subcategory TEXT,
  urgency TEXT,
  sentiment TEXT,
  fields TEXT NOT NULL,
  overrides TEXT NOT NULL,            -- field -> value a person set; engines never replace these
  action TEXT,
  queue TEXT,
  level TEXT,
  assignee TEXT,
  assigned_at INTEGER,
  tags TEXT NOT NULL,
  escalations INTEGER NOT NULL,
  escalated_to TEXT,
  escalated_at INTEGER,
  decision_id TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  first_response_at INTEGER,
  solved_at INTEGER,
  closed_at INTEGER,
  UNIQUE (tenant, number)
) STRICT;
CREATE INDEX tickets_by_time ON tickets (tenant, created_at, id);
CREATE INDEX tickets_by_status ON tickets (tenant, status, created_at, id);
CREATE INDEX tickets_alive ON tickets (status) WHERE status IN ('new', 'open', 'pending', 'escalated');
CREATE INDEX tickets_by_queue ON tickets (tenant, queue, status, created_at, id);
CREATE INDEX tickets_by_action ON tickets (tenant, action, created_at, id);
CREATE INDEX tickets_by_customer ON tickets (customer_id, created_at);
CREATE INDEX tickets_by_conversation ON tickets (conversation_id);

CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  external_id TEXT,                   -- null for what we send
  conversation_id TEXT NOT NULL REFERENCES conversations (id),
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  decision_id TEXT,                   -- the decision of the turn that this message belongs to
  author TEXT NOT NULL,
  author_ref TEXT,
  subject TEXT,
  text TEXT NOT NULL,
  meta TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  UNIQUE (tenant, channel, account, external_id)
) STRICT;
CREATE INDEX messages_by_conversation ON messages (conversation_id, seq);

CREATE TABLE decisions (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  action TEXT NOT NULL,
  would TEXT NOT NULL,
  queue TEXT,
  priority TEXT NOT NULL,
  confidence REAL NOT NULL,
  record TEXT NOT NULL,
  decided_at INTEGER NOT NULL
) STRICT;
CREATE INDEX decisions_by_time ON decisions (tenant, decided_at, id);
CREATE INDEX decisions_by_ticket ON decisions (ticket_id, decided_at);

CREATE TABLE drafts (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  conversation_id TEXT NOT NULL,
  decision_id TEXT,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,                -- proposed | approved | edited | rejected | retired | sent
  text TEXT NOT NULL,
  locale TEXT NOT NULL,
  kind TEXT NOT NULL,
  ledger TEXT NOT NULL,
  passages TEXT NOT NULL,
  conversation_version INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  reason TEXT,
  final_text TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (ticket_id, version)
) STRICT;
CREATE INDEX drafts_open ON drafts (tenant, state, created_at);

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  author TEXT NOT NULL,
  author_ref TEXT,
  kind TEXT NOT NULL,                 -- reply | safety
  automatic INTEGER NOT NULL,         -- 1: the worker decided it; retired when epoch, incident or owner moved on
  compare_version INTEGER NOT NULL,   -- 1: retired when the conversation moved on
  body TEXT NOT NULL,
  state TEXT NOT NULL,                -- queued | sending | sent | failed | unknown | retired
  attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  conversation_version INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  draft_id TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  position INTEGER                    -- the order in which rows came to an end, per tenant; the cursor of readers
) STRICT;
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_by_conversation ON outbox (conversation_id, state);
CREATE UNIQUE INDEX outbox_by_position ON outbox (tenant, position);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,              -- what the job is about: a conversation id
  first_at INTEGER NOT NULL,          -- when the first message of the turn came
  due_at INTEGER NOT NULL,
  state TEXT NOT NULL,                -- pending | dead
  lease TEXT,
  leased_until INTEGER,
  attempts INTEGER NOT NULL,
  error TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (kind, subject)
) STRICT;
CREATE INDEX jobs_due ON jobs (queue, state, due_at);

CREATE TABLE notes (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notes_by_ticket ON notes (ticket_id, created_at);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  at INTEGER NOT NULL,
  ticket_id TEXT,
  conversation_id TEXT,
  actor TEXT NOT NULL,                -- worker | agent:<token name> | system
  action TEXT NOT NULL,
  before TEXT,
  after TEXT,
  cause TEXT
) STRICT;
CREATE INDEX audit_by_ticket ON audit (ticket_id, seq);

CREATE TABLE idempotency (
  tenant TEXT NOT NULL,
  token_id TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (tenant, token_id, key)
) STRICT;
CREATE INDEX idempotency_by_time ON idempotency (created_at);
