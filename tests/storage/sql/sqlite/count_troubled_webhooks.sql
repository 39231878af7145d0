SELECT count(*) AS count_1
FROM webhooks
WHERE webhooks.account_id = ? AND webhooks.deleted_at IS NULL AND (webhooks.active = 1 AND webhooks.failing_since IS NOT NULL OR webhooks.active = 0 AND webhooks.deactivated_by = ?);
