-- What people answer with: the replies that they keep, what they think of passages, the articles that they miss.

-- Replies that agents keep to use again. They hold fields such as {nome}, never a customer's data.
CREATE TABLE saved_replies (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  owner_id TEXT NOT NULL,             -- the account of whoever keeps it
  shared BIGINT NOT NULL,            -- 1 where the whole team has it
  name TEXT NOT NULL,
  locale TEXT NOT NULL,
  text TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX saved_replies_by_tenant ON saved_replies (tenant, owner_id, shared);

-- Articles that somebody missed while they answered. Personal data in the sentence is masked before it is kept.
CREATE TABLE content_wishes (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  category TEXT,                      -- the ticket's, as it was then
  locale TEXT NOT NULL,
  text TEXT NOT NULL,                 -- the agent's own sentence
  wished_by TEXT NOT NULL,            -- account
  created_at BIGINT NOT NULL,
  done_at BIGINT,                    -- when somebody saw to it
  done_by TEXT                        -- account
);
CREATE INDEX content_wishes_by_tenant ON content_wishes (tenant, created_at);
CREATE INDEX content_wishes_by_ticket ON content_wishes (ticket_id);

-- Whether a passage helped somebody to answer a ticket; the last word of each counts.
CREATE TABLE passage_votes (
  tenant TEXT NOT NULL,
  ticket_id TEXT NOT NULL,
  article TEXT NOT NULL,
  locale TEXT NOT NULL,
  heading TEXT NOT NULL,
  user_id TEXT NOT NULL,              -- account
  helpful BIGINT NOT NULL,           -- 1 or 0
  voted_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, ticket_id, article, locale, heading, user_id)
);
CREATE INDEX passage_votes_by_time ON passage_votes (tenant, voted_at);

-- Decided drafts in the order in which they were decided.
CREATE INDEX drafts_by_decision ON drafts (tenant, decided_at, id) WHERE decided_at IS NOT NULL;
