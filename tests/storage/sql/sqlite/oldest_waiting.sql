SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 - deliveries.created_at AS anon_1
FROM deliveries
WHERE deliveries.id = (SELECT min((SELECT min(some.id) AS min_2
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = webhooks.id ORDER BY deliveries.next_attempt_at
 LIMIT 10000 OFFSET ?) AS some)) AS min_1
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.is_consumed = 0);
