SELECT deliveries.id, deliveries.state, deliveries.attempt_count, deliveries.updated_at
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.webhook_id = ? ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?;
