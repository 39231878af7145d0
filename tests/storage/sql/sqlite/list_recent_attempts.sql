SELECT attempts.sent_at, attempts.duration, attempts.failure
FROM (SELECT deliveries.id AS id, deliveries.is_test AS is_test
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.webhook_id = ? AND deliveries.created_at >= ? ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?) AS recent JOIN attempts ON attempts.delivery_id = recent.id
WHERE recent.is_test = 0 ORDER BY attempts.sent_at;
