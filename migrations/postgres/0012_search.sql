-- The words by which tickets are found, written behind the messages by the worker. Whatever forgets a text removes its
-- words in the same change: they are personal data as the texts are.
CREATE TABLE search_words (
  tenant TEXT NOT NULL,
  word TEXT NOT NULL,                 -- folded, at most 64 bytes
  number BIGINT NOT NULL,            -- of the ticket: the higher, the newer
  fields BIGINT NOT NULL,            -- bits: where in the ticket the word stands
  PRIMARY KEY (tenant, word, number)
);
-- In the order of bytes, as SQLite has it: beginnings of words are ranges of it.
ALTER TABLE search_words ALTER COLUMN word TYPE TEXT COLLATE "C";
-- All words of a ticket, and whether it has one that begins in a certain way.
CREATE INDEX search_words_of_ticket ON search_words (tenant, number, word, fields);

-- Tickets whose words changed without a new message. A line is removed once the change is in the index.
CREATE TABLE search_due (
  seq BIGSERIAL PRIMARY KEY,
  ticket_id TEXT NOT NULL
);
