WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.paused_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY webhooks.id FOR NO KEY UPDATE OF webhooks)
 UPDATE webhooks SET paused_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.next_request_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY webhooks.id FOR NO KEY UPDATE OF webhooks)
 UPDATE webhooks SET next_request_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.failing_since > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY webhooks.id FOR NO KEY UPDATE OF webhooks)
 UPDATE webhooks SET failing_since=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT redelivery_shares.redelivery_id AS redelivery_id, redelivery_shares.webhook_id AS webhook_id
FROM redelivery_shares
WHERE redelivery_shares.next_step_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY redelivery_shares.redelivery_id, redelivery_shares.webhook_id FOR NO KEY UPDATE OF redelivery_shares)
 UPDATE redelivery_shares SET next_step_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE (redelivery_shares.redelivery_id, redelivery_shares.webhook_id) IN (SELECT locked.redelivery_id, locked.webhook_id
FROM locked);

WITH locked AS
(SELECT replicas.name AS name
FROM replicas
WHERE replicas.seen_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY replicas.name FOR NO KEY UPDATE OF replicas)
 UPDATE replicas SET seen_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE replicas.name IN (SELECT locked.name
FROM locked);

WITH locked AS
(SELECT mail_pause.id AS id
FROM mail_pause
WHERE mail_pause.paused_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY mail_pause.id FOR NO KEY UPDATE OF mail_pause)
 UPDATE mail_pause SET paused_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE mail_pause.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET next_attempt_at=CASE WHEN (deliveries.next_attempt_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) THEN CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ELSE deliveries.next_attempt_at END, claimed_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT runs.id AS id
FROM runs
WHERE runs.status < 10 AND runs.heartbeat_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY runs.id FOR NO KEY UPDATE OF runs)
 UPDATE runs SET heartbeat_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE runs.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT expectations.job_id AS job_id
FROM expectations
WHERE expectations.missed_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + expectations.every + expectations.grace ORDER BY expectations.job_id FOR NO KEY UPDATE OF expectations)
 UPDATE expectations SET missed_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + expectations.every + expectations.grace) WHERE expectations.job_id IN (SELECT locked.job_id
FROM locked);

SELECT webhooks.id, webhooks.retry_schedule
FROM webhooks
WHERE webhooks.retry_schedule IS NOT NULL AND webhooks.deleted_at IS NULL;

SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT
 LIMIT $2::INTEGER;
