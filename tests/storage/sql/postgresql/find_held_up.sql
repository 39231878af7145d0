SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN ($1::VARCHAR COLLATE "C") AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 1) IS NOT NULL;
