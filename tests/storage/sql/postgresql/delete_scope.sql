UPDATE environments SET used_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE environments.id = (SELECT jobs.environment_id
FROM jobs
WHERE jobs.id = $1::BIGINT);

DELETE FROM jobs WHERE jobs.account_id = $1::BIGINT AND jobs.id = $2::BIGINT;
