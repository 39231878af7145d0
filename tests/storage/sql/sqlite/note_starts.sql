WITH found AS
(SELECT expectations.job_id AS job_id
FROM expectations
WHERE expectations.job_id IN (?) ORDER BY expectations.job_id)
 UPDATE expectations SET missed_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + expectations.every + expectations.grace), missed_count=? WHERE expectations.job_id IN (SELECT found.job_id
FROM found);
