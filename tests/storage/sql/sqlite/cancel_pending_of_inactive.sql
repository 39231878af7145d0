UPDATE deliveries SET state=?, next_attempt_at=?, cancel_reason=(SELECT CASE WHEN (webhooks.deleted_at IS NOT NULL) THEN ? ELSE webhooks.deactivate_reason END AS anon_1
FROM webhooks
WHERE webhooks.id = deliveries.webhook_id), updated_at=? WHERE deliveries.state = 'pending' AND deliveries.webhook_id IN (SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN (?) AND webhooks.active = 0);
