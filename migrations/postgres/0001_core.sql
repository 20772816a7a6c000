-- Times are integer milliseconds UTC, ids and JSON are text. Customer text lives only in
-- conversations.contact/vault, messages, drafts, notes, outbox and customers (erasable); decisions
-- and audit hold ids, rule ids, hashes and scores.

CREATE TABLE tenants (
  tenant TEXT PRIMARY KEY,
  epoch BIGINT NOT NULL,             -- raised by every change of modes or incident: nothing decided before it is sent after it
  policy_digest TEXT NOT NULL,
  incident TEXT                       -- the declared incident's id; while set, nothing leaves automatically
);

CREATE TABLE counters (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  value BIGINT NOT NULL,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  secret_hash TEXT NOT NULL UNIQUE,   -- SHA-256 of the secret part; the secret itself is shown once
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT
);

CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  reference TEXT NOT NULL,
  profile TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (tenant, reference)
);

CREATE TABLE contacts (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,                 -- reference | email | phone
  value TEXT NOT NULL,                -- normalised
  customer_id TEXT NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
  PRIMARY KEY (tenant, kind, value)
);
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
  version BIGINT NOT NULL,           -- raised by every message, takeover, mode change and human action
  fence BIGINT NOT NULL,             -- raised by every change of owner
  owner TEXT NOT NULL,                -- ai | review | queue | agent
  owner_ref TEXT,
  owner_until BIGINT,
  ai_turns BIGINT NOT NULL,          -- automatic replies since a person last answered
  opted_out BIGINT NOT NULL,
  ticket_id TEXT NOT NULL,
  vault TEXT NOT NULL,
  last_inbound_at BIGINT,
  last_outbound_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (tenant, channel, account, thread)
);
CREATE INDEX conversations_customer ON conversations (customer_id);

CREATE TABLE tickets (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  number BIGINT NOT NULL,
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
  assigned_at BIGINT,
  tags TEXT NOT NULL,
  escalations BIGINT NOT NULL,
  escalated_to TEXT,
  escalated_at BIGINT,
  decision_id TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  first_response_at BIGINT,
  solved_at BIGINT,
  closed_at BIGINT,
  UNIQUE (tenant, number)
);
CREATE INDEX tickets_by_time ON tickets (tenant, created_at, id);
CREATE INDEX tickets_by_status ON tickets (tenant, status, created_at, id);
CREATE INDEX tickets_alive ON tickets (status) WHERE status IN ('new', 'open', 'pending', 'escalated');
CREATE INDEX tickets_by_queue ON tickets (tenant, queue, status, created_at, id);
CREATE INDEX tickets_by_action ON tickets (tenant, action, created_at, id);
CREATE INDEX tickets_by_customer ON tickets (customer_id, created_at);
CREATE INDEX tickets_by_conversation ON tickets (conversation_id);

CREATE TABLE messages (
  seq BIGSERIAL PRIMARY KEY,
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
  sent_at BIGINT NOT NULL,
  received_at BIGINT NOT NULL,
  UNIQUE (tenant, channel, account, external_id)
);
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
  confidence DOUBLE PRECISION NOT NULL,
  record TEXT NOT NULL,
  decided_at BIGINT NOT NULL
);
CREATE INDEX decisions_by_time ON decisions (tenant, decided_at, id);
CREATE INDEX decisions_by_ticket ON decisions (ticket_id, decided_at);

CREATE TABLE drafts (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  conversation_id TEXT NOT NULL,
  decision_id TEXT,
  version BIGINT NOT NULL,
  state TEXT NOT NULL,                -- proposed | approved | edited | rejected | retired | sent
  text TEXT NOT NULL,
  locale TEXT NOT NULL,
  kind TEXT NOT NULL,
  ledger TEXT NOT NULL,
  passages TEXT NOT NULL,
  conversation_version BIGINT NOT NULL,
  decided_by TEXT,
  decided_at BIGINT,
  reason TEXT,
  final_text TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (ticket_id, version)
);
CREATE INDEX drafts_open ON drafts (tenant, state, created_at);

CREATE TABLE outbox (
  seq BIGSERIAL PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  conversation_id TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  author TEXT NOT NULL,
  author_ref TEXT,
  kind TEXT NOT NULL,                 -- reply | safety
  automatic BIGINT NOT NULL,         -- 1: the worker decided it; retired when epoch, incident or owner moved on
  compare_version BIGINT NOT NULL,   -- 1: retired when the conversation moved on
  body TEXT NOT NULL,
  state TEXT NOT NULL,                -- queued | sending | sent | failed | unknown | retired
  attempts BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  conversation_version BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  draft_id TEXT,
  error TEXT,
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  position BIGINT                    -- the order in which rows came to an end, per tenant; the cursor of readers
);
CREATE INDEX outbox_due ON outbox (state, due_at);
CREATE INDEX outbox_by_conversation ON outbox (conversation_id, state);
CREATE UNIQUE INDEX outbox_by_position ON outbox (tenant, position);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  queue TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,              -- what the job is about: a conversation id
  first_at BIGINT NOT NULL,          -- when the first message of the turn came
  due_at BIGINT NOT NULL,
  state TEXT NOT NULL,                -- pending | dead
  lease TEXT,
  leased_until BIGINT,
  attempts BIGINT NOT NULL,
  error TEXT,
  created_at BIGINT NOT NULL,
  UNIQUE (kind, subject)
);
CREATE INDEX jobs_due ON jobs (queue, state, due_at);

CREATE TABLE notes (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL REFERENCES tickets (id),
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX notes_by_ticket ON notes (ticket_id, created_at);

CREATE TABLE audit (
  seq BIGSERIAL PRIMARY KEY,
  tenant TEXT NOT NULL,
  at BIGINT NOT NULL,
  ticket_id TEXT,
  conversation_id TEXT,
  actor TEXT NOT NULL,                -- worker | agent:<token name> | system
  action TEXT NOT NULL,
  before TEXT,
  after TEXT,
  cause TEXT
);
CREATE INDEX audit_by_ticket ON audit (ticket_id, seq);

CREATE TABLE idempotency (
  tenant TEXT NOT NULL,
  token_id TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, token_id, key)
);
CREATE INDEX idempotency_by_time ON idempotency (created_at);
