WITH open_gate AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN ($6::VARCHAR COLLATE "C") AND webhooks.active AND (webhooks.paused_until IS NULL OR webhooks.paused_until <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) AND (webhooks.next_request_at IS NULL OR webhooks.next_request_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) FOR NO KEY UPDATE SKIP LOCKED)
 UPDATE webhooks SET next_request_at=CASE WHEN (webhooks.rate_limit IS NOT NULL) THEN CASE WHEN (webhooks.next_request_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) THEN webhooks.next_request_at ELSE CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT END + CASE webhooks.id WHEN $2::VARCHAR THEN CAST($3::BIGINT AS BIGINT) ELSE $4::INTEGER END END, paused_until=CASE WHEN (webhooks.paused_until IS NOT NULL) THEN CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $5::BIGINT END WHERE webhooks.id IN (SELECT open_gate.id
FROM open_gate) RETURNING webhooks.id, webhooks.paused_until;
