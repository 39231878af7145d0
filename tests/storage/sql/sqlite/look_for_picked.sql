SELECT deliveries.id, deliveries.created_at, deliveries.state != ? AND (deliveries.updated_at <= ? OR deliveries.updated_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) AND deliveries.is_test = 0 AS is_chosen
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.id IN (?, ?) AND deliveries.webhook_id = ? AND (deliveries.created_at, deliveries.id) > (?, ?) ORDER BY deliveries.created_at, deliveries.id
 LIMIT ? OFFSET ?;
