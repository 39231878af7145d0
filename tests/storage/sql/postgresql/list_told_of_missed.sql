SELECT deliveries.run_id, deliveries.job_id, deliveries.webhook_id, webhooks.name AS webhook_name, deliveries.state
FROM deliveries JOIN webhooks ON webhooks.id = deliveries.webhook_id
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.event_type = 'job.run.missed' AND (deliveries.job_id = $3::BIGINT AND deliveries.created_at >= $4::BIGINT OR deliveries.job_id = $5::BIGINT AND deliveries.created_at >= $6::BIGINT) ORDER BY deliveries.job_id, deliveries.created_at
 LIMIT $7::INTEGER;
