UPDATE consumers SET read_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000, was_read=1 WHERE consumers.webhook_id = ?;
