SELECT deliveries.webhook_id, count(*) AS chosen
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.id IN (?, ?) AND deliveries.state != ? AND (deliveries.updated_at <= ? OR deliveries.updated_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) AND deliveries.is_test = 0 GROUP BY deliveries.webhook_id;
