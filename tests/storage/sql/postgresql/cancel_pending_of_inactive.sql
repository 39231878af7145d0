UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, updated_at=$3::BIGINT WHERE deliveries.state = 'pending' AND deliveries.webhook_id IN (SELECT webhooks.id
FROM webhooks
WHERE webhooks.id IN ($4::VARCHAR COLLATE "C") AND NOT webhooks.active);
