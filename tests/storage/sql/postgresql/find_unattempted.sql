SELECT deliveries.run_id, deliveries.webhook_id
FROM deliveries
WHERE deliveries.run_id IN ($2::BIGINT) AND deliveries.attempt_count = $1::INTEGER AND deliveries.state IN ('pending', 'sending');
