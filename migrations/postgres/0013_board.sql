-- What supervisors say over the policy's modes. The stricter of the two holds.
CREATE TABLE mode_switches (
  tenant TEXT NOT NULL,
  category TEXT NOT NULL,
  channel TEXT NOT NULL,
  mode TEXT NOT NULL,                 -- auto | draft | off
  set_by TEXT NOT NULL,
  set_at BIGINT NOT NULL,
  reason TEXT,
  PRIMARY KEY (tenant, category, channel)
);

-- Since when no reply leaves by itself, because somebody said so; null while the assistant is on.
ALTER TABLE tenants ADD COLUMN stopped_at BIGINT;
ALTER TABLE tenants ADD COLUMN stopped_by TEXT;
ALTER TABLE tenants ADD COLUMN stopped_reason TEXT;
ALTER TABLE tenants ADD COLUMN stopped_replies BIGINT NOT NULL DEFAULT 0; -- how many had not left and went to people

-- What happened in an hour of a business's day, added up from the trail, so that boards and reports scan nothing.
CREATE TABLE tallies (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,                 -- what happened
  day TEXT NOT NULL,                  -- where the business is, 2026-11-22
  hour BIGINT NOT NULL,              -- 0 to 23
  part TEXT NOT NULL,                 -- what tells it apart: who answered, the kind of a notice
  value BIGINT NOT NULL,
  PRIMARY KEY (tenant, name, day, hour, part)
);

-- How long customers waited for their first answer, rounded to what is shown, by the day on which it left.
CREATE TABLE first_waits (
  tenant TEXT NOT NULL,
  day TEXT NOT NULL,
  secs BIGINT NOT NULL,
  tickets BIGINT NOT NULL,
  late BIGINT NOT NULL,              -- those of them that came after their deadline
  PRIMARY KEY (tenant, day, secs)
);
