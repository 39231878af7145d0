SELECT count(*) AS count_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = $1::VARCHAR COLLATE "C"
 LIMIT $2::INTEGER) AS waiting;
