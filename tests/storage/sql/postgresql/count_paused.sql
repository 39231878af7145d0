SELECT count(*) AS count_1
FROM webhooks
WHERE webhooks.active AND webhooks.paused_until IS NOT NULL AND webhooks.account_id = $1::BIGINT;
