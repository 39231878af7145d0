WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN ($11::VARCHAR COLLATE "C") AND deliveries.state != $8::VARCHAR AND (deliveries.updated_at <= $9::BIGINT OR deliveries.updated_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $10::BIGINT) ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=$1::VARCHAR, attempts_before=CASE WHEN (deliveries.state = $2::VARCHAR) THEN deliveries.attempts_before ELSE deliveries.attempt_count END, next_trigger=$3::VARCHAR, next_attempt_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), is_held=$4::BOOLEAN, waits_for=$5::VARCHAR COLLATE "C", cancel_reason=$6::VARCHAR, redelivery_id=$7::VARCHAR, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked);
