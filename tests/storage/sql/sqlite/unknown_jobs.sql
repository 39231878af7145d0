SELECT jobs.id
FROM jobs
WHERE jobs.account_id = ? AND jobs.id IN (?, ?);
