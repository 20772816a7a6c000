-- Deadlines and timers of tickets, what people and systems are told, incidents, who is online.
ALTER TABLE tickets ADD COLUMN clock_at BIGINT;                            -- when it is looked at next; null once it is over for good
ALTER TABLE tickets ADD COLUMN clock_rev BIGINT NOT NULL DEFAULT 0;        -- raised by every line of its trail
ALTER TABLE tickets ADD COLUMN clock_epoch BIGINT NOT NULL DEFAULT 0;      -- the tenant's epoch that its deadlines were judged by
ALTER TABLE tickets ADD COLUMN trail_seen BIGINT NOT NULL DEFAULT 0;       -- the last line of its trail that people were told of
ALTER TABLE tickets ADD COLUMN sla_state TEXT NOT NULL DEFAULT 'on_track';  -- on_track | at_risk | breached
ALTER TABLE tickets ADD COLUMN sla_clock TEXT;                              -- the clock that is late first
ALTER TABLE tickets ADD COLUMN sla_due_at BIGINT;
ALTER TABLE tickets ADD COLUMN breach_reason TEXT;
ALTER TABLE tickets ADD COLUMN queue_rank BIGINT;                          -- its place in its queue: deadline x risk
ALTER TABLE tickets ADD COLUMN snoozed_until BIGINT;
ALTER TABLE tickets ADD COLUMN callback_from BIGINT;
ALTER TABLE tickets ADD COLUMN callback_until BIGINT;
ALTER TABLE tickets ADD COLUMN merged_into TEXT;
ALTER TABLE tickets ADD COLUMN csat BIGINT;                                -- 1 to 5
ALTER TABLE tickets ADD COLUMN csat_asked_at BIGINT;
CREATE INDEX tickets_clock ON tickets (clock_at) WHERE clock_at IS NOT NULL;
-- What was never looked at yet stands in none of these, so that a new ticket costs one entry.
CREATE INDEX tickets_clock_epoch ON tickets (tenant, clock_epoch) WHERE clock_at IS NOT NULL AND clock_epoch > 0;
CREATE INDEX tickets_sla ON tickets (tenant, sla_state, queue_rank, id) WHERE clock_at IS NOT NULL AND sla_state <> 'on_track';
CREATE INDEX tickets_rank ON tickets (tenant, queue, queue_rank, id) WHERE clock_at IS NOT NULL AND queue_rank IS NOT NULL;
-- Nobody is told anew of what happened before this version; every live ticket is looked at once.
UPDATE tickets SET trail_seen = COALESCE((SELECT MAX(seq) FROM audit WHERE audit.ticket_id = tickets.id), 0),
  clock_at = CASE WHEN status = 'closed' THEN NULL ELSE 0 END;

CREATE INDEX audit_by_tenant ON audit (tenant, seq);

-- customer | people: who a row is for. Rows for people belong to no conversation of a network.
ALTER TABLE outbox ADD COLUMN audience TEXT NOT NULL DEFAULT 'customer';
ALTER TABLE outbox ADD COLUMN dedupe TEXT;                                  -- the same is not queued again for a while
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (audience, state, due_at);
CREATE INDEX outbox_dedupe ON outbox (tenant, dedupe, created_at) WHERE dedupe IS NOT NULL;

CREATE TABLE agents (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  online_until BIGINT,
  last_assigned_at BIGINT,
  PRIMARY KEY (tenant, name)
);

CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,                 -- what operators call it, e.g. the status page's id
  scope TEXT NOT NULL,                -- categories and channels; empty lists mean all
  words TEXT NOT NULL,                -- what customers are told, by locale
  terms TEXT NOT NULL,                -- what the policy said of its kind when it was declared
  declared_by TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  next_update_at BIGINT,
  updates BIGINT NOT NULL,           -- how often customers were to hear more, the end included
  ended_at BIGINT,
  summary TEXT
);
CREATE INDEX incidents_by_tenant ON incidents (tenant, started_at);
CREATE UNIQUE INDEX incidents_open ON incidents (tenant, name) WHERE ended_at IS NULL;

-- Whom an incident's notice has reached, so that updates go to the same people.
CREATE TABLE incident_told (
  incident_id TEXT NOT NULL REFERENCES incidents (id),
  conversation_id TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  heard BIGINT NOT NULL,             -- the update that they heard last
  PRIMARY KEY (incident_id, conversation_id)
);
CREATE INDEX incident_told_heard ON incident_told (incident_id, heard);
