SELECT looked_at.webhook_id, count(*) AS looked_at, count(CASE WHEN looked_at.is_chosen THEN $1::INTEGER END) AS chosen
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state IN ($10::VARCHAR, $11::VARCHAR, $12::VARCHAR) AND deliveries.updated_at <= $2::BIGINT AND NOT deliveries.is_test AND deliveries.event_type IN ($13::VARCHAR) AND deliveries.job_id = $3::BIGINT AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + $4::BIGINT = $5::BIGINT AND deliveries.run_id = $6::BIGINT AND deliveries.created_at >= $7::BIGINT AND deliveries.created_at < $8::BIGINT
 LIMIT $9::INTEGER) AS looked_at GROUP BY looked_at.webhook_id;
