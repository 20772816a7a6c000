-- An article that was in the folder was published anew, and somebody writes on.
INSERT INTO content_versions (tenant, kind, name, version, text, hash, origin, written_by, at, back_to) VALUES ('main', 'article', 'pt-BR/billing/boleto.md', 1, 'antes', 'a0', 'folder', NULL, 1750000000000, NULL);
INSERT INTO content_versions (tenant, kind, name, version, text, hash, origin, written_by, at, back_to) VALUES ('main', 'article', 'pt-BR/billing/boleto.md', 2, 'depois', 'b1', 'desk', 'Caio Reis', 1750000001000, NULL);
INSERT INTO content_drafts (tenant, kind, name, text, base, rev, written_by, at) VALUES ('main', 'article', 'pt-BR/billing/boleto.md', 'ainda', 'b1', 3, 'Caio Reis', 1750000002000);
