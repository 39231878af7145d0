UPDATE expectations SET missed_at=?, missed_count=? WHERE expectations.job_id = ?;
