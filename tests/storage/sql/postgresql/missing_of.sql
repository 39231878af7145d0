SELECT deliveries.id
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.id IN ($3::VARCHAR COLLATE "C", $4::VARCHAR COLLATE "C");
