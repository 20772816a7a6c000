-- A voice note whose words are known.
INSERT INTO attachments (id, tenant, message_id, kind, name, claimed, sniffed, size, sha256, source, state, reason, words,
    attempts, leased, due_at, created_at)
  VALUES ('att_1', 'main', 'msg_3', 'voice', NULL, 'audio/ogg; codecs=opus', 'audio/ogg', 4000, 'abc',
    '{"from":"whatsapp","media":"7","number":"106540352242922","sha256":"abc"}', 'kept', NULL, 'done', 1, 0, NULL, 4000);
UPDATE jobs SET held_at = 4000 WHERE id = 'job_1';
