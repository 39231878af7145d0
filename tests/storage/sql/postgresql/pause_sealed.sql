WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN ($2::VARCHAR COLLATE "C") ORDER BY webhooks.id FOR NO KEY UPDATE OF webhooks)
 UPDATE webhooks SET paused_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE webhooks.id IN (SELECT locked.id
FROM locked);
