SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1 OFFSET ?) AS anon_1;
