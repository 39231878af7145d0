UPDATE deliveries SET state=?, next_attempt_at=?, cancel_reason=?, updated_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE deliveries.id IN (SELECT deliveries.id
FROM deliveries JOIN consumers ON consumers.webhook_id = deliveries.webhook_id
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at < ?
 LIMIT ? OFFSET ?) AND deliveries.state = 'pending' RETURNING webhook_id, created_at;
