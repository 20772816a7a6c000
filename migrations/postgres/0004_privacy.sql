-- Erasing people, and forgetting what has had its time.
ALTER TABLE customers ADD COLUMN seen_at BIGINT;                               -- not heard of since then at the earliest; null once erased
UPDATE customers SET seen_at = updated_at;
CREATE INDEX customers_seen ON customers (seen_at) WHERE seen_at IS NOT NULL;
-- 1 until the words of a closed ticket, or its drafts, were forgotten.
ALTER TABLE tickets ADD COLUMN texts_kept BIGINT NOT NULL DEFAULT 1;
ALTER TABLE tickets ADD COLUMN drafts_kept BIGINT NOT NULL DEFAULT 1;
CREATE INDEX tickets_texts ON tickets (closed_at) WHERE closed_at IS NOT NULL AND texts_kept = 1;
CREATE INDEX tickets_drafts ON tickets (closed_at) WHERE closed_at IS NOT NULL AND drafts_kept = 1;
-- What people were told about a ticket, and the key of a call that wrote a reply.
CREATE INDEX outbox_by_ticket ON outbox (ticket_id) WHERE audience = 'people';
CREATE INDEX idempotency_by_answer ON idempotency (answer);
