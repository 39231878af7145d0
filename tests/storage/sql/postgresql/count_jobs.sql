SELECT jobs.account_id, count(*) AS jobs
FROM jobs
WHERE jobs.account_id IN ($1::BIGINT) GROUP BY jobs.account_id;
