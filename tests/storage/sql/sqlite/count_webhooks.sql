SELECT count(*) AS count_1
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.deleted_at IS NULL;
