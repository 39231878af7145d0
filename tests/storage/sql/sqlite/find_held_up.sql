SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN (?) AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id
 LIMIT 1 OFFSET ?) IS NOT NULL;
