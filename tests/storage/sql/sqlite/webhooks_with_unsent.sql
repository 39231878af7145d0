SELECT webhooks.id
FROM webhooks
WHERE webhooks.account_id = ? AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state IN ('failed', 'canceled', 'skipped') AND deliveries.webhook_id = webhooks.id AND deliveries.created_at >= ? AND deliveries.created_at < ?
 LIMIT 1 OFFSET ?) IS NOT NULL ORDER BY webhooks.id;
