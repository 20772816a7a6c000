-- People as networks know them: whichever key a message carries finds the same person again.
CREATE TABLE network_contacts (
  id TEXT PRIMARY KEY,                -- also the thread of their conversations
  tenant TEXT NOT NULL,
  network TEXT NOT NULL,              -- whatsapp
  address TEXT NOT NULL,              -- JSON: what replies go to, as it came last
  updated_at BIGINT NOT NULL
);
CREATE TABLE network_keys (
  tenant TEXT NOT NULL,
  network TEXT NOT NULL,
  key TEXT NOT NULL,                  -- user:…, phone:…, wa:…
  contact_id TEXT NOT NULL,
  PRIMARY KEY (tenant, network, key)
);
CREATE INDEX network_keys_by_contact ON network_keys (contact_id);

-- What a network calls what we sent, and how far it says that it came.
ALTER TABLE outbox ADD COLUMN network_id TEXT;
ALTER TABLE outbox ADD COLUMN delivery TEXT;       -- sent | delivered | read | played | failed
ALTER TABLE outbox ADD COLUMN delivery_at BIGINT;
CREATE INDEX outbox_by_network_id ON outbox (network_id) WHERE network_id IS NOT NULL;
