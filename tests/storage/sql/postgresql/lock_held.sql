SELECT deliveries.id, deliveries.webhook_id, deliveries.job_id, deliveries.run_id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.is_held AND deliveries.attempt_count = 0 AND (deliveries.webhook_id, deliveries.job_id) IN (($1, $2)) ORDER BY deliveries.id FOR UPDATE SKIP LOCKED;
