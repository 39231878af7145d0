WITH waiting AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND NOT (deliveries.state = 'pending' AND deliveries.is_held AND deliveries.attempt_count = 0) AND deliveries.id IN ($7::VARCHAR COLLATE "C") AND (deliveries.attempt_count > $6::INTEGER OR deliveries.id IN ($8::VARCHAR COLLATE "C")) ORDER BY deliveries.id FOR UPDATE SKIP LOCKED)
 UPDATE deliveries SET state=$1::VARCHAR, next_attempt_at=$2::BIGINT, claimed_by=$3::VARCHAR, claimed_until=$4::BIGINT, cancel_reason=$5::VARCHAR, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT waiting.id
FROM waiting);
