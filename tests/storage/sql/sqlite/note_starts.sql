UPDATE expectations SET missed_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + expectations.every + expectations.grace), missed_count=? WHERE expectations.job_id = ?;
