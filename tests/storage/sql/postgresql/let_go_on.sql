UPDATE webhooks SET paused_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.paused_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE webhooks SET next_request_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.next_request_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE webhooks SET failing_since=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE webhooks.failing_since > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE redelivery_shares SET next_step_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE redelivery_shares.next_step_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE replicas SET seen_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE replicas.seen_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE deliveries SET claimed_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.state = 'sending' AND deliveries.claimed_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT;

UPDATE runs SET heartbeat_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE runs.status < 10 AND runs.heartbeat_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);

UPDATE expectations SET missed_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + expectations.every + expectations.grace) WHERE expectations.missed_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + expectations.every + expectations.grace;

SELECT webhooks.id, webhooks.retry_schedule
FROM webhooks
WHERE webhooks.retry_schedule IS NOT NULL AND webhooks.deleted_at IS NULL;

SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT
 LIMIT $2::INTEGER;
