SELECT jobs.id, jobs.environment_id, environments.project_id
FROM jobs JOIN standings ON standings.job_id = jobs.id JOIN environments ON environments.id = jobs.environment_id LEFT OUTER JOIN deliveries ON deliveries.id = standings.failure_id
WHERE standings.webhook_id = ? AND standings.failure_id IS NOT NULL AND (deliveries.id IS NULL OR NOT (deliveries.state = 'pending' AND deliveries.is_held = 1 AND deliveries.attempt_count = 0) AND (deliveries.state IN (?, ?, ?) OR deliveries.attempt_count > ?)) ORDER BY jobs.id;
