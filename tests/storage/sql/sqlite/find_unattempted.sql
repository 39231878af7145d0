SELECT deliveries.run_id, deliveries.webhook_id
FROM deliveries
WHERE deliveries.run_id IN (?) AND deliveries.attempt_count = ? AND deliveries.state IN ('pending', 'sending');
