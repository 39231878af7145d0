SELECT count(*) AS count_1
FROM webhooks
WHERE webhooks.active = 1 AND webhooks.paused_until IS NOT NULL AND webhooks.account_id = ?;
