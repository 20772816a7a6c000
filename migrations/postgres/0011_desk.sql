-- What the desk's queues are read by.
CREATE INDEX tickets_review ON tickets (tenant, queue_rank, id)
  WHERE action = 'review' AND clock_at IS NOT NULL AND queue_rank IS NOT NULL AND status IN ('new', 'open', 'escalated');
CREATE INDEX tickets_of_agent ON tickets (tenant, assignee, queue_rank, id)
  WHERE assignee IS NOT NULL AND clock_at IS NOT NULL AND queue_rank IS NOT NULL;
-- Every ticket that is not over, in the order in which people take them.
CREATE INDEX tickets_live ON tickets (tenant, queue_rank, id) WHERE clock_at IS NOT NULL AND queue_rank IS NOT NULL;
CREATE INDEX tickets_snoozed ON tickets (tenant, snoozed_until) WHERE snoozed_until IS NOT NULL;
-- Why a draft was not sent, as one of the desk's own words; reason holds what the agent wrote.
ALTER TABLE drafts ADD COLUMN reason_code TEXT;
-- The row of the outbox that a message of ours left by.
ALTER TABLE messages ADD COLUMN outbox_id TEXT;
