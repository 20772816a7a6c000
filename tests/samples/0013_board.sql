-- Boleto questions by mail are drafted only, the assistant is stopped, and a day is added up.
INSERT INTO mode_switches (tenant, category, channel, mode, set_by, set_at, reason) VALUES ('main', 'billing', 'email', 'draft', 'Lia Prado', 1750000000000, 'boletos errados');
UPDATE tenants SET stopped_at = 1750000000000, stopped_by = 'Lia Prado', stopped_reason = 'teste', stopped_replies = 2 WHERE tenant = 'main';
INSERT INTO tallies (tenant, name, day, hour, part, value) VALUES ('main', 'reply', '2025-06-15', 9, 'ai', 3);
INSERT INTO first_waits (tenant, day, secs, tickets, late) VALUES ('main', '2025-06-15', 240, 3, 1);
