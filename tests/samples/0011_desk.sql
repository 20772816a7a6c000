-- A draft that was rejected for one of the desk's reasons, and a message that left by the outbox.
UPDATE drafts SET reason_code = 'tone' WHERE id = (SELECT MIN(id) FROM drafts);
UPDATE messages SET outbox_id = (SELECT MIN(id) FROM outbox) WHERE author <> 'customer';
