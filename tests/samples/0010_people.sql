-- An agent who is signed in, with a link that was not used and a login somebody guessed at.
INSERT INTO users (id, tenant, login, name, name_key, role, password_hash, must_change, settings, created_at, seen_at, disabled_at)
  VALUES ('usr_1', 'main', 'rafa@acme.example', 'Rafa Lima', 'rafa lima', 'agent', '$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB', 0,
    '{"locale":"pt-BR"}', 1000, 2000, NULL);
INSERT INTO sessions (secret_hash, id, user_id, csrf, entered, device, created_at, seen_at, expires_at)
  VALUES ('aa', 'ses_1', 'usr_1', 'cc', 'password', 'Firefox, Linux', 1000, 2000, 4102444800000);
INSERT INTO login_links (secret_hash, user_id, created_at, expires_at) VALUES ('bb', 'usr_1', 1000, 901000);
INSERT INTO login_attempts (subject, failures, wait_until, forget_at) VALUES ('dd', 6, 60000, 86400000);
