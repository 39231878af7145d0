SELECT deliveries.id, deliveries.state, deliveries.attempt_count, deliveries.updated_at
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.id IN ($3::VARCHAR COLLATE "C") ORDER BY deliveries.id;
