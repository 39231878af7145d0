SELECT environments.id
FROM environments
WHERE environments.id IN ($1::BIGINT, $2::BIGINT) ORDER BY environments.id FOR UPDATE SKIP LOCKED;

DELETE FROM environments WHERE environments.id IN ($3::BIGINT) AND environments.used_at < $1::BIGINT AND (SELECT jobs.environment_id
FROM jobs
WHERE jobs.environment_id = environments.id
 LIMIT 1) IS NULL AND (SELECT interests.webhook_id
FROM interests
WHERE interests.topic = (CAST(environments.account_id AS TEXT) || $2::VARCHAR || CAST(environments.id AS TEXT))
 LIMIT 1) IS NULL;
