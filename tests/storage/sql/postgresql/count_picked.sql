SELECT deliveries.webhook_id, count(*) AS chosen
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.id IN ($6::VARCHAR COLLATE "C", $7::VARCHAR COLLATE "C") AND deliveries.state != $3::VARCHAR AND (deliveries.updated_at <= $4::BIGINT OR deliveries.updated_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $5::BIGINT) AND NOT deliveries.is_test GROUP BY deliveries.webhook_id;
