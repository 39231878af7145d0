SELECT jobs.name
FROM jobs
WHERE jobs.account_id = $1::BIGINT AND jobs.id = $2::BIGINT FOR UPDATE;
