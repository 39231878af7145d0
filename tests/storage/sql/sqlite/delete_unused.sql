SELECT environments.id
FROM environments
WHERE environments.id IN (?, ?) ORDER BY environments.id;

DELETE FROM environments WHERE environments.id IN (?) AND environments.used_at < ? AND (SELECT jobs.environment_id
FROM jobs
WHERE jobs.environment_id = environments.id
 LIMIT 1 OFFSET ?) IS NULL AND (SELECT interests.webhook_id
FROM interests
WHERE interests.topic = (CAST(environments.account_id AS TEXT) || ? || CAST(environments.id AS TEXT))
 LIMIT 1 OFFSET ?) IS NULL;
