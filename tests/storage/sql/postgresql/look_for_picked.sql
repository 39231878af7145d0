SELECT deliveries.id, deliveries.created_at, deliveries.state != $1::VARCHAR AND (deliveries.updated_at <= $2::BIGINT OR deliveries.updated_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $3::BIGINT) AND NOT deliveries.is_test AS is_chosen
FROM deliveries
WHERE deliveries.account_id + $4::BIGINT = $5::BIGINT AND deliveries.id IN ($10::VARCHAR COLLATE "C", $11::VARCHAR COLLATE "C") AND deliveries.webhook_id = $6::VARCHAR COLLATE "C" AND (deliveries.created_at, deliveries.id) > ($7::BIGINT, $8::VARCHAR) ORDER BY deliveries.created_at, deliveries.id
 LIMIT $9::INTEGER;
