WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN (SELECT deliveries.id
FROM deliveries JOIN consumers ON consumers.webhook_id = deliveries.webhook_id
WHERE deliveries.state = 'pending' AND deliveries.next_attempt_at < $4::BIGINT
 LIMIT $5::INTEGER) AND deliveries.state = 'pending' ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, cancel_reason=$3::VARCHAR, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked) RETURNING deliveries.webhook_id, deliveries.created_at;
