SELECT deliveries.created_at
FROM deliveries
WHERE deliveries.account_id = $1::BIGINT AND deliveries.webhook_id = $2::VARCHAR COLLATE "C" AND deliveries.state IN ('failed', 'canceled', 'skipped') ORDER BY deliveries.id DESC
 LIMIT $3::INTEGER OFFSET $4::INTEGER;
