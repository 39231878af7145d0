SELECT deliveries.id, deliveries.created_at, deliveries.state IN ($11::VARCHAR, $12::VARCHAR, $13::VARCHAR) AND deliveries.updated_at <= $1::BIGINT AND NOT deliveries.is_test AND deliveries.event_type IN ($14::VARCHAR) AND deliveries.job_id = $2::BIGINT AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + $3::BIGINT = $4::BIGINT AND deliveries.webhook_id = $5::VARCHAR COLLATE "C" AND deliveries.created_at >= $6::BIGINT AND deliveries.created_at < $7::BIGINT AND (deliveries.created_at, deliveries.id) > ($8::BIGINT, $9::VARCHAR) ORDER BY deliveries.created_at, deliveries.id
 LIMIT $10::INTEGER;
