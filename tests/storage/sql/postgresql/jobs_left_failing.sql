SELECT jobs.id, jobs.environment_id, environments.project_id
FROM jobs JOIN standings ON standings.job_id = jobs.id JOIN environments ON environments.id = jobs.environment_id LEFT OUTER JOIN deliveries ON deliveries.id = standings.failure_id
WHERE standings.webhook_id = $1::VARCHAR COLLATE "C" AND standings.failure_id IS NOT NULL AND (deliveries.id IS NULL OR NOT (deliveries.state = 'pending' AND deliveries.is_held AND deliveries.attempt_count = 0) AND (deliveries.state IN ($3::VARCHAR, $4::VARCHAR, $5::VARCHAR) OR deliveries.attempt_count > $2::INTEGER)) ORDER BY jobs.id;
