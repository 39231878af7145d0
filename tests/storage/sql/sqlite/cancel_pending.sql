WITH waiting AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = ? AND (EXISTS (SELECT *
FROM webhooks
WHERE webhooks.id = ? AND webhooks.active = 0)) ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT ? OFFSET ?)
 UPDATE deliveries SET state=?, next_attempt_at=?, cancel_reason=(SELECT CASE WHEN (webhooks.deleted_at IS NOT NULL) THEN ? ELSE webhooks.deactivate_reason END AS anon_1
FROM webhooks
WHERE webhooks.id = ?), updated_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE deliveries.id IN (SELECT waiting.id
FROM waiting) RETURNING id;
