UPDATE environments SET used_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE environments.id = (SELECT jobs.environment_id
FROM jobs
WHERE jobs.id = ?);

DELETE FROM jobs WHERE jobs.account_id = ? AND jobs.id = ?;
