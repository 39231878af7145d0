SELECT deliveries.webhook_id, count(*) AS chosen
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.id IN (?, ?) AND deliveries.state != ? AND deliveries.updated_at <= ? AND deliveries.is_test = 0 GROUP BY deliveries.webhook_id;
