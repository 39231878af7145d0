SELECT looked_at.webhook_id, count(*) AS looked_at, count(CASE WHEN looked_at.is_chosen THEN $1::INTEGER END) AS chosen
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state IN ($14::VARCHAR, $15::VARCHAR, $16::VARCHAR) AND (deliveries.updated_at <= $2::BIGINT OR deliveries.updated_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $3::BIGINT) AND NOT deliveries.is_test AND deliveries.event_type IN ($17::VARCHAR) AND deliveries.job_id = $4::BIGINT AND coalesce(deliveries.http_status_code, $5::INTEGER) >= $6::INTEGER AND coalesce(deliveries.http_status_code, $5::INTEGER) < $7::INTEGER AS is_chosen
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.account_id + $8::BIGINT = $9::BIGINT AND deliveries.run_id = $10::BIGINT AND deliveries.created_at >= $11::BIGINT AND deliveries.created_at < $12::BIGINT
 LIMIT $13::INTEGER) AS looked_at GROUP BY looked_at.webhook_id;
