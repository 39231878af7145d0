SELECT deliveries.id, deliveries.webhook_id, deliveries.job_id, deliveries.run_id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.is_held = 1 AND deliveries.attempt_count = 0 AND (deliveries.webhook_id, deliveries.job_id) IN (VALUES (?, ?)) ORDER BY deliveries.id;
