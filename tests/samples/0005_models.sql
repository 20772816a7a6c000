-- A question to a model about the sample's ticket, and what its day cost.
INSERT INTO model_calls (id, tenant, at, ticket_id, turn, purpose, rung, prompt, model, answered_by, outcome, tokens_input,
  tokens_cached, tokens_output, cost_micros, took_ms, attempts)
  VALUES ('call_1', 'main', 1000, 'tck_1', 'job_1', 'triage', 'primary', 'triage@000000000000', 'small', 'small-1', 'ok',
  900, 0, 60, 120, 700, 1);
INSERT INTO model_spending (tenant, day, cost_micros, calls) VALUES ('main', '1970-01-01', 120, 1);
