DELETE FROM interests WHERE interests.webhook_id = ?;
