UPDATE duties SET held_until=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE duties.holder = ?;
