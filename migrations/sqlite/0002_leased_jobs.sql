-- When the next lease ends is asked whenever a worker has nothing to do.
CREATE INDEX jobs_leased ON jobs (queue, state, leased_until) WHERE leased_until IS NOT NULL;
