DELETE FROM standings WHERE standings.webhook_id = $1::VARCHAR COLLATE "C";
