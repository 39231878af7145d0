SELECT count(*) AS count_1
FROM webhooks
WHERE webhooks.account_id = $1::BIGINT AND webhooks.deleted_at IS NULL AND (webhooks.active AND webhooks.failing_since IS NOT NULL OR NOT webhooks.active AND webhooks.deactivated_by = $2::VARCHAR);
