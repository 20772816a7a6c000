-- An index holds no rows of its own; this job is one that it lists.
INSERT INTO jobs (id, tenant, queue, kind, subject, first_at, due_at, state, lease, leased_until, attempts, created_at)
  VALUES ('job_leased', 'main', 'message', 'turn', 'cnv_leased', 1000, 2000, 'pending', 'w', 3000, 1, 1000);
