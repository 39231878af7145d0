DELETE FROM standings WHERE standings.webhook_id = ?;
