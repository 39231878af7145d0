UPDATE deliveries SET state=?, next_attempt_at=?, updated_at=? WHERE deliveries.state = 'pending' AND deliveries.webhook_id IN (SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN (?) AND webhooks.active = 0);
