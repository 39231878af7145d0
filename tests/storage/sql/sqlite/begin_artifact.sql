INSERT INTO artifacts (run_id, step, name, size, is_whole, touched_at) VALUES (?, ?, ?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) RETURNING id;
