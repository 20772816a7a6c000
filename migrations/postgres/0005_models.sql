-- What language models were asked, what it cost, and how it went. No words of anybody.
CREATE TABLE model_calls (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  at BIGINT NOT NULL,
  ticket_id TEXT,
  turn TEXT NOT NULL,                 -- what ties the questions about one turn together
  purpose TEXT NOT NULL,              -- triage | draft | repair
  rung TEXT NOT NULL,                 -- primary | escalation
  prompt TEXT NOT NULL,               -- id@hash
  model TEXT NOT NULL,                -- as configured
  answered_by TEXT,                   -- the model that really answered
  outcome TEXT NOT NULL,              -- ok, or why there is no answer
  tokens_input BIGINT NOT NULL,
  tokens_cached BIGINT NOT NULL,
  tokens_output BIGINT NOT NULL,
  cost_micros BIGINT NOT NULL,            -- millionths of a US dollar
  took_ms BIGINT NOT NULL,
  attempts BIGINT NOT NULL
);
CREATE INDEX model_calls_by_time ON model_calls (tenant, at);
CREATE INDEX model_calls_by_age ON model_calls (at);

-- What a day cost, so that a budget is looked up and not added up.
CREATE TABLE model_spending (
  tenant TEXT NOT NULL,
  day TEXT NOT NULL,                  -- UTC, 2026-11-22
  cost_micros BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  PRIMARY KEY (tenant, day)
);
