-- A ticket with a word, and one whose words are to be looked at anew.
INSERT INTO search_words (tenant, word, number, fields) VALUES ('main', 'novo', 2, 4);
INSERT INTO search_due (ticket_id) VALUES ('tck_1');
