SELECT jobs.id
FROM jobs
WHERE jobs.account_id = $1::BIGINT AND jobs.id IN ($2::BIGINT, $3::BIGINT);
