-- A message that its sender changed, one that was taken back, a change whose message never came, a file on its way, a draft
-- with answers to tap, and an address that nothing arrives at.
UPDATE messages SET original = text, text = 'quero a segunda via', edited_at = 5000 WHERE id = 'msg_1';
INSERT INTO message_changes (tenant, channel, account, external_id, target, thread, kind, text, changed_at, received_at, message_id)
  VALUES ('main', 'whatsapp', '106540352242922', 'wamid.E1', 'wamid.1', 'wac_1', 'edit', 'quero a segunda via', 5000, 5000, 'msg_1');
UPDATE messages SET original = text, text = '', deleted_at = 6000 WHERE id = 'msg_3';
INSERT INTO message_changes (tenant, channel, account, external_id, target, thread, kind, text, changed_at, received_at, message_id)
  VALUES ('main', 'whatsapp', '106540352242922', 'wamid.R1', 'wamid.9', 'wac_1', 'revoke', '', 6000, 6000, NULL);
INSERT INTO attachments (id, tenant, message_id, kind, name, claimed, sniffed, size, sha256, source, state, reason, words,
    attempts, leased, due_at, created_at, outbox_id)
  VALUES ('att_2', 'main', '', 'document', 'boleto.pdf', NULL, 'application/pdf', 4000, 'abc', '{"from":"upload"}', 'kept',
    NULL, 'none', 0, 0, NULL, 4000, 'out_1');
UPDATE drafts SET choices = '["Sim","Não"]';
INSERT INTO contact_marks (tenant, kind, value, mark, standing, reason, at)
  VALUES ('main', 'network', 'wac_1', 'unreachable', 1, '131026', 5000);
