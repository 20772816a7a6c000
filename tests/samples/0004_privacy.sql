-- A customer who was erased, and a closed ticket whose drafts were forgotten.
INSERT INTO customers (id, tenant, reference, profile, created_at, updated_at, seen_at)
  VALUES ('cus_2', 'main', 'erased cus_2', '{}', 1000, 5000, NULL);
UPDATE tickets SET drafts_kept = 0 WHERE id = 'tck_1';
