SELECT deliveries.created_at
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.webhook_id = ? AND deliveries.state IN ('failed', 'canceled', 'skipped') ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?;
