WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN ($5::VARCHAR COLLATE "C") AND deliveries.webhook_id = $3::VARCHAR COLLATE "C" AND deliveries.state = $4::VARCHAR ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked) RETURNING deliveries.is_test;
