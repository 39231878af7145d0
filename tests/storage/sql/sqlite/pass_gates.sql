WITH open_gate AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN (?) AND webhooks.active = 1 AND (webhooks.paused_until IS NULL OR webhooks.paused_until <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) AND (webhooks.next_request_at IS NULL OR webhooks.next_request_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000))
 UPDATE webhooks SET next_request_at=CASE WHEN (webhooks.rate_limit IS NOT NULL) THEN CASE WHEN (webhooks.next_request_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) THEN webhooks.next_request_at ELSE CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? END + CASE webhooks.id WHEN ? THEN CAST(? AS BIGINT) ELSE ? END END, paused_until=CASE WHEN (webhooks.paused_until IS NOT NULL) THEN CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? END WHERE webhooks.id IN (SELECT open_gate.id
FROM open_gate) RETURNING id, paused_until;
