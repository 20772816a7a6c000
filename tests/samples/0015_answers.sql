-- A reply of the team's, an article that is missing, and a passage that helped.
INSERT INTO saved_replies (id, tenant, owner_id, shared, name, locale, text, created_at, updated_at) VALUES ('srp_1', 'main', 'usr_1', 1, 'Segunda via', 'pt-BR', 'Oi, {nome}. A segunda via sai em Financeiro.', 1750000000000, 1750000000000);
INSERT INTO content_wishes (id, tenant, ticket_id, category, locale, text, wished_by, created_at) VALUES ('wsh_1', 'main', 'tck_1', 'billing', 'pt-BR', 'Falta dizer como trocar o vencimento.', 'usr_1', 1750000000000);
INSERT INTO passage_votes (tenant, ticket_id, article, locale, heading, user_id, helpful, voted_at) VALUES ('main', 'tck_1', 'billing/boleto', 'pt-BR', '', 'usr_1', 1, 1750000000000);
