INSERT INTO consumers (webhook_id, account_id, name, read_at, was_read) VALUES (?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000, ?);
