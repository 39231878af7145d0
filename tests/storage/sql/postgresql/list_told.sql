SELECT deliveries.run_id, deliveries.job_id, deliveries.webhook_id, webhooks.name AS webhook_name, deliveries.state
FROM deliveries JOIN webhooks ON webhooks.id = deliveries.webhook_id
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.run_id IN ($4::BIGINT) AND deliveries.event_type IN ($5::VARCHAR, $6::VARCHAR) ORDER BY deliveries.run_id, deliveries.webhook_id, deliveries.event_sequence
 LIMIT $3::INTEGER;
