-- A person on WhatsApp with two keys.
INSERT INTO network_contacts (id, tenant, network, address, updated_at)
  VALUES ('wac_1', 'main', 'whatsapp', '{"wa_id":"551187654321","user_id":"BR.1"}', 1000);
INSERT INTO network_keys (tenant, network, key, contact_id) VALUES ('main', 'whatsapp', 'phone:551187654321', 'wac_1');
INSERT INTO network_keys (tenant, network, key, contact_id) VALUES ('main', 'whatsapp', 'user:BR.1', 'wac_1');
