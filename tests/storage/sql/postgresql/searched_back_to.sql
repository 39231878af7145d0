SELECT deliveries.created_at
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.webhook_id = $3::VARCHAR COLLATE "C" AND deliveries.state IN ('failed', 'canceled', 'skipped') ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT $4::INTEGER OFFSET $5::INTEGER;
