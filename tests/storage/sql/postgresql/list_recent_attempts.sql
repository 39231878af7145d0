SELECT attempts.sent_at, attempts.duration, attempts.failure
FROM (SELECT deliveries.id AS id, deliveries.is_test AS is_test
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.webhook_id = $3::VARCHAR COLLATE "C" AND deliveries.created_at >= $4::BIGINT ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT $5::INTEGER) AS recent JOIN attempts ON attempts.delivery_id = recent.id
WHERE NOT recent.is_test ORDER BY attempts.sent_at;
