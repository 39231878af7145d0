WITH waiting AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND NOT (deliveries.state = 'pending' AND deliveries.is_held = 1 AND deliveries.attempt_count = 0) AND deliveries.id IN (?) AND (deliveries.attempt_count > ? OR deliveries.id IN (?)) ORDER BY deliveries.id)
 UPDATE deliveries SET state=?, next_attempt_at=?, claimed_by=?, claimed_until=?, cancel_reason=?, updated_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE deliveries.id IN (SELECT waiting.id
FROM waiting);
