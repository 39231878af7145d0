SELECT deliveries.id, length(deliveries.body) AS size
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = ? ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT ? OFFSET ?;
