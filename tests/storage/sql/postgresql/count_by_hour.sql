SELECT recent.webhook_id, recent.created_at / $1::BIGINT AS hour, recent.state, count(*) AS amount
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state AS state, deliveries.is_test AS is_test, deliveries.created_at AS created_at
FROM deliveries
WHERE deliveries.account_id = $2::BIGINT AND deliveries.created_at >= $3::BIGINT ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT $4::INTEGER) AS recent
WHERE NOT recent.is_test GROUP BY recent.webhook_id, recent.created_at / $1::BIGINT, recent.state;
