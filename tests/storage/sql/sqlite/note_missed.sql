UPDATE consumers SET missed_count=(consumers.missed_count + ?), missed_until=CASE WHEN (consumers.missed_until > ?) THEN consumers.missed_until ELSE ? END WHERE consumers.webhook_id = ?;
