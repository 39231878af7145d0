SELECT deliveries.id, deliveries.state, deliveries.attempt_count, deliveries.updated_at
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.webhook_id = $3::VARCHAR COLLATE "C" ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT $4::INTEGER;
