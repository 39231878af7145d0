SELECT deliveries.webhook_id, count(*) AS chosen
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.id IN ($5::VARCHAR COLLATE "C", $6::VARCHAR COLLATE "C") AND deliveries.state != $3::VARCHAR AND deliveries.updated_at <= $4::BIGINT AND NOT deliveries.is_test GROUP BY deliveries.webhook_id;
