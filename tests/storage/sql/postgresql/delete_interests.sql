DELETE FROM interests WHERE interests.webhook_id = $1::VARCHAR COLLATE "C";
