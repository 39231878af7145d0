SELECT jobs.id, jobs.used_at < $1::BIGINT AND (SELECT runs.job_id
FROM runs
WHERE runs.job_id = jobs.id
 LIMIT 1) IS NULL AND (SELECT interests.webhook_id
FROM interests
WHERE interests.topic = (CAST(jobs.account_id AS TEXT) || $2::VARCHAR || CAST(jobs.id AS TEXT))
 LIMIT 1) IS NULL AND (SELECT expectations.job_id
FROM expectations
WHERE expectations.job_id = jobs.id
 LIMIT 1) IS NULL AS can_go
FROM jobs
WHERE jobs.id > $3::BIGINT ORDER BY jobs.id
 LIMIT $4::INTEGER;
