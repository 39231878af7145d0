SELECT jobs.id, jobs.used_at < ? AND (SELECT runs.job_id
FROM runs
WHERE runs.job_id = jobs.id
 LIMIT 1 OFFSET ?) IS NULL AND (SELECT interests.webhook_id
FROM interests
WHERE interests.topic = (CAST(jobs.account_id AS TEXT) || ? || CAST(jobs.id AS TEXT))
 LIMIT 1 OFFSET ?) IS NULL AND (SELECT expectations.job_id
FROM expectations
WHERE expectations.job_id = jobs.id
 LIMIT 1 OFFSET ?) IS NULL AS can_go
FROM jobs
WHERE jobs.id > ? ORDER BY jobs.id
 LIMIT ? OFFSET ?;
