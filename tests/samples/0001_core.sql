-- One row of everything that the first migration can hold.
INSERT INTO tenants (tenant, epoch, policy_digest, incident) VALUES ('main', 3, 'abc', NULL);
INSERT INTO counters (tenant, name, value) VALUES ('main', 'ticket', 2), ('main', 'outbox', 1);
INSERT INTO tokens (id, tenant, name, secret_hash, scopes, created_at, revoked_at)
  VALUES ('tok_1', 'main', 'desk', 'hash', 'read agent', 1000, NULL);
INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at)
  VALUES ('cus_1', 'main', 'c1', '{"name":"Ana","emails":["ana@exemplo.com"]}', 1000, 1000);
INSERT INTO contacts (tenant, kind, value, customer_id)
  VALUES ('main', 'reference', 'c1', 'cus_1'), ('main', 'email', 'ana@exemplo.com', 'cus_1');
INSERT INTO conversations (id, tenant, channel, account, thread, customer_id, contact, language, version, fence, owner,
    owner_ref, owner_until, ai_turns, opted_out, ticket_id, vault, last_inbound_at, last_outbound_at, created_at, updated_at)
  VALUES ('cnv_1', 'main', 'chat', 'loja', 'ana', 'cus_1', '{"name":"Ana"}', 'pt-BR', 4, 2, 'review',
    'suporte', NULL, 1, 0, 'tck_2', '{}', 4000, 3000, 1000, 4000);
INSERT INTO tickets (id, tenant, number, conversation_id, customer_id, parent_id, channel, source_ref, status, subject,
    language, category, subcategory, urgency, sentiment, fields, overrides, action, queue, level, assignee, assigned_at,
    tags, escalations, escalated_to, escalated_at, decision_id, created_at, updated_at, first_response_at, solved_at, closed_at)
  VALUES ('tck_1', 'main', 1, 'cnv_1', 'cus_1', NULL, 'chat', 'm1', 'closed', NULL,
    'pt-BR', 'billing', NULL, 'normal', 'neutral', '{}', '{}', 'send', NULL, NULL, NULL, NULL,
    '[]', 0, NULL, NULL, 'dec_1', 1000, 3500, 3000, 3200, 3500),
  ('tck_2', 'main', 2, 'cnv_1', 'cus_1', 'tck_1', 'chat', 'm2', 'open', NULL,
    'pt-BR', 'access', 'password', 'high', 'angry', '{}', '{"urgency":"high"}', 'review', 'suporte', 'L1', NULL, NULL,
    '["vip"]', 1, 'suporte', 4000, 'dec_2', 4000, 4000, NULL, NULL, NULL);
INSERT INTO messages (id, tenant, channel, account, external_id, conversation_id, ticket_id, decision_id, author,
    author_ref, subject, text, meta, sent_at, received_at)
  VALUES ('msg_1', 'main', 'chat', 'loja', 'm1', 'cnv_1', 'tck_1', 'dec_1', 'customer', NULL, NULL, 'Oi', '{}', 1000, 1000),
  ('msg_2', 'main', 'chat', 'loja', NULL, 'cnv_1', 'tck_1', NULL, 'ai', NULL, NULL, 'Olá', '{}', 3000, 3000),
  ('msg_3', 'main', 'chat', 'loja', 'm2', 'cnv_1', 'tck_2', 'dec_2', 'customer', NULL, NULL, 'De novo', '{}', 4000, 4000);
INSERT INTO decisions (id, tenant, conversation_id, ticket_id, action, would, queue, priority, confidence, record, decided_at)
  VALUES ('dec_1', 'main', 'cnv_1', 'tck_1', 'send', 'send', NULL, 'normal', 0.9, '{}', 2000),
  ('dec_2', 'main', 'cnv_1', 'tck_2', 'review', 'send', 'suporte', 'high', 0.5, '{}', 4000);
INSERT INTO drafts (id, tenant, ticket_id, conversation_id, decision_id, version, state, text, locale, kind, ledger,
    passages, conversation_version, decided_by, decided_at, reason, final_text, created_at)
  VALUES ('drf_1', 'main', 'tck_2', 'cnv_1', 'dec_2', 1, 'proposed', 'Olá, Ana', 'pt-BR', 'template', '[]',
    '[]', 4, NULL, NULL, NULL, NULL, 4000);
INSERT INTO outbox (id, tenant, conversation_id, ticket_id, channel, account, author, author_ref, kind, automatic,
    compare_version, body, state, attempts, due_at, conversation_version, epoch, draft_id, error, created_at, finished_at, position)
  VALUES ('out_1', 'main', 'cnv_1', 'tck_1', 'chat', 'loja', 'ai', NULL, 'reply', 1,
    1, '{"thread":"ana","to":{},"ticket_number":"1-3","text":"Olá","locale":"pt-BR","fallback_queue":"suporte"}',
    'sent', 1, 2000, 1, 3, NULL, NULL, 2000, 3000, 1);
INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, lease, leased_until, attempts, error, created_at)
  VALUES ('job_1', 'main', 'message', 'turn', 'cnv_1', 4000, 4000, 'dead', NULL, NULL, 8, 'gave up', 4000);
INSERT INTO notes (id, tenant, ticket_id, author, text, created_at) VALUES ('not_1', 'main', 'tck_2', 'rui', 'call back', 4000);
INSERT INTO audit (tenant, at, ticket_id, conversation_id, actor, action, before, after, cause)
  VALUES ('main', 1000, 'tck_1', 'cnv_1', 'worker', 'ticket.opened', NULL, '{"status":"new"}', 'msg_1');
INSERT INTO idempotency (tenant, token_id, key, body_hash, answer, created_at) VALUES ('main', 'tok_1', 'k', 'h', 'out_1', 4000);
