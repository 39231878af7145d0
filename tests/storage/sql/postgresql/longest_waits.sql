SELECT webhooks.id, webhooks.retry_schedule
FROM webhooks
WHERE webhooks.retry_schedule IS NOT NULL AND webhooks.deleted_at IS NULL;
