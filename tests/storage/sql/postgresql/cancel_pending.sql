WITH waiting AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = $5::VARCHAR COLLATE "C" AND (EXISTS (SELECT *
FROM webhooks
WHERE webhooks.id = $6::VARCHAR COLLATE "C" AND NOT webhooks.active)) ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT $7::INTEGER FOR UPDATE OF deliveries)
 UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, cancel_reason=(SELECT CASE WHEN (webhooks.deleted_at IS NOT NULL) THEN $3::VARCHAR ELSE webhooks.deactivate_reason END AS anon_1
FROM webhooks
WHERE webhooks.id = $4::VARCHAR COLLATE "C"), updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT waiting.id
FROM waiting) RETURNING deliveries.id;
