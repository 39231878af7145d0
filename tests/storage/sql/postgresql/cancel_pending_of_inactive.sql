UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, cancel_reason=(SELECT CASE WHEN (webhooks.deleted_at IS NOT NULL) THEN $3::VARCHAR ELSE webhooks.deactivate_reason END AS anon_1
FROM webhooks
WHERE webhooks.id = deliveries.webhook_id), updated_at=$4::BIGINT WHERE deliveries.state = 'pending' AND deliveries.webhook_id IN (SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN ($5::VARCHAR COLLATE "C") AND NOT webhooks.active);
