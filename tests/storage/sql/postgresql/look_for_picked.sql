SELECT deliveries.id, deliveries.created_at, deliveries.state != $1::VARCHAR AND deliveries.updated_at <= $2::BIGINT AND NOT deliveries.is_test AS is_chosen
FROM deliveries
WHERE deliveries.account_id + $3::BIGINT = $4::BIGINT AND deliveries.id IN ($9::VARCHAR COLLATE "C", $10::VARCHAR COLLATE "C") AND deliveries.webhook_id = $5::VARCHAR COLLATE "C" AND (deliveries.created_at, deliveries.id) > ($6::BIGINT, $7::VARCHAR) ORDER BY deliveries.created_at, deliveries.id
 LIMIT $8::INTEGER;
