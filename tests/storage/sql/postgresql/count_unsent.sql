SELECT looked_at.webhook_id, count(*) AS looked_at, count(CASE WHEN looked_at.is_chosen THEN $1::INTEGER END) AS chosen
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state IN ($13::VARCHAR, $14::VARCHAR, $15::VARCHAR) AND deliveries.updated_at <= $2::BIGINT AND NOT deliveries.is_test AND deliveries.event_type IN ($16::VARCHAR) AND deliveries.job_id = $3::BIGINT AND coalesce(deliveries.http_status_code, $4::INTEGER) >= $5::INTEGER AND coalesce(deliveries.http_status_code, $4::INTEGER) < $6::INTEGER AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + $7::BIGINT = $8::BIGINT AND deliveries.run_id = $9::BIGINT AND deliveries.created_at >= $10::BIGINT AND deliveries.created_at < $11::BIGINT
 LIMIT $12::INTEGER) AS looked_at GROUP BY looked_at.webhook_id;
