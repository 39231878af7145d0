UPDATE webhooks SET paused_until=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE webhooks.paused_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE webhooks SET next_request_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE webhooks.next_request_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE webhooks SET failing_since=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE webhooks.failing_since > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE redelivery_shares SET next_step_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE redelivery_shares.next_step_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE replicas SET seen_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE replicas.seen_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE mail_pause SET paused_until=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE mail_pause.paused_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE deliveries SET next_attempt_at=CASE WHEN (deliveries.next_attempt_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 ELSE deliveries.next_attempt_at END, claimed_until=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE deliveries.state = 'sending' AND deliveries.claimed_until > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?;

UPDATE runs SET heartbeat_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE runs.status < 10 AND runs.heartbeat_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;

UPDATE expectations SET missed_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + expectations.every + expectations.grace) WHERE expectations.missed_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + expectations.every + expectations.grace;

SELECT webhooks.id, webhooks.retry_schedule
FROM webhooks
WHERE webhooks.retry_schedule IS NOT NULL AND webhooks.deleted_at IS NULL;

SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?
 LIMIT ? OFFSET ?;
