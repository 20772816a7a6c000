-- A ticket with a promised call and a rating, an agent, an incident and whom it reached.
UPDATE tickets SET clock_at = 1000, clock_rev = 2, sla_state = 'at_risk', sla_clock = 'first_response', sla_due_at = 5000,
  queue_rank = 4000, snoozed_until = 9000, callback_from = 6000, callback_until = 7000, csat = 4, csat_asked_at = 3000;
INSERT INTO agents (tenant, name, online_until, last_assigned_at) VALUES ('main', 'bia', 9000, 1000);
INSERT INTO incidents (id, tenant, kind, name, scope, words, terms, declared_by, started_at, next_update_at, updates)
  VALUES ('inc_1', 'main', 'outage', 'INC-1', '{"categories":[],"channels":["whatsapp"]}',
  '{"pt-BR":"Fora do ar.","en":"Down."}', '{"stop_auto":true}', 'agent:ops', 1000, 2000, 0);
INSERT INTO incident_told (incident_id, conversation_id, ticket_id, heard)
  SELECT 'inc_1', conversation_id, id, 0 FROM tickets LIMIT 1;
