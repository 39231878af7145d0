SELECT jobs.name
FROM jobs
WHERE jobs.account_id = ? AND jobs.id = ?;
