SELECT deliveries.id, length(deliveries.body) AS size
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = $1::VARCHAR COLLATE "C" ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT $2::INTEGER;
