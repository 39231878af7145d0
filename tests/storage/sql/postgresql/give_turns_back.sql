WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN ($4::VARCHAR COLLATE "C") ORDER BY webhooks.id FOR NO KEY UPDATE)
 UPDATE webhooks SET next_request_at=(webhooks.next_request_at - CASE webhooks.id WHEN $1::VARCHAR THEN CAST($2::BIGINT AS BIGINT) ELSE $3::INTEGER END), paused_until=CASE WHEN (webhooks.paused_until IS NOT NULL) THEN CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) END WHERE webhooks.id IN (SELECT locked.id
FROM locked);
