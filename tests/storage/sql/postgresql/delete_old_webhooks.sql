WITH locked AS
(SELECT webhooks.id AS id
FROM webhooks
WHERE webhooks.id IN (SELECT webhooks.id
FROM webhooks
WHERE webhooks.deleted_at < $1::BIGINT AND (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.webhook_id = webhooks.id
 LIMIT 1) IS NULL AND (SELECT attempt_counts.webhook_id
FROM attempt_counts
WHERE attempt_counts.webhook_id = webhooks.id
 LIMIT 1) IS NULL AND (SELECT redelivery_shares.webhook_id
FROM redelivery_shares
WHERE redelivery_shares.webhook_id = webhooks.id
 LIMIT 1) IS NULL AND (SELECT redeliveries.webhook_id
FROM redeliveries
WHERE redeliveries.webhook_id = webhooks.id
 LIMIT 1) IS NULL ORDER BY webhooks.deleted_at
 LIMIT $2::INTEGER) ORDER BY webhooks.id FOR UPDATE OF webhooks)
 DELETE FROM webhooks WHERE webhooks.id IN (SELECT locked.id
FROM locked);
