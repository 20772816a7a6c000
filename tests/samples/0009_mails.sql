-- An address that got an answer, and a mail with its HTML and the words that were taken off.
INSERT INTO mail_pace (tenant, recipient, mails, last_at) VALUES ('main', 'abc', '[["out_1",4000]]', 4000);
UPDATE messages SET whole = 'Oi

Em 2 de mar. de 2026, Loja escreveu:
> Abra a página', meta = '{"flags":{"automatic":false,"media":false,"held":false},"given":{},"part":"html"}' WHERE id = 'msg_1';
INSERT INTO attachments (id, tenant, message_id, kind, name, claimed, sniffed, size, sha256, source, state, reason, words,
    attempts, leased, due_at, created_at)
  VALUES ('att_3', 'main', 'msg_1', 'mail_html', NULL, 'text/html', 'text/html', 40, 'def',
    '{"from":"mail","kept":{"sha256":"def","sniffed":"text/html"}}', 'kept', NULL, 'none', 0, 0, NULL, 4000);
