SELECT recent.webhook_id, recent.created_at / ? AS hour, recent.state, count(*) AS amount
FROM (SELECT deliveries.webhook_id AS webhook_id, deliveries.state AS state, deliveries.is_test AS is_test, deliveries.created_at AS created_at
FROM deliveries
WHERE deliveries.account_id = ? AND deliveries.created_at >= ? ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?) AS recent
WHERE recent.is_test = 0 GROUP BY recent.webhook_id, recent.created_at / ?, recent.state;
