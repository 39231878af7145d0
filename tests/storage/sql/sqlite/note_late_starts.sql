UPDATE expectations SET missed_at=(? + expectations.every + expectations.grace), missed_count=? WHERE expectations.job_id = ? AND expectations.missed_at < ? + expectations.every + expectations.grace;
