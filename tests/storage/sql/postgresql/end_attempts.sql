WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries, unnest($1::TEXT[], $2::INTEGER[], $3::TEXT[], $4::INTEGER[], $5::INTEGER[], $6::TEXT[], $7::BIGINT[]) AS ending(delivery_id, claim, new_state, number, code, why, delay)
WHERE deliveries.id = ending.delivery_id AND deliveries.claim_number = ending.claim AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=ending.new_state, attempt_count=ending.number, next_trigger='scheduled', next_attempt_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + ending.delay), claimed_by=NULL, claimed_until=NULL, http_status_code=ending.code, failure=ending.why, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) FROM unnest($1::TEXT[], $2::INTEGER[], $3::TEXT[], $4::INTEGER[], $5::INTEGER[], $6::TEXT[], $7::BIGINT[]) AS ending(delivery_id, claim, new_state, number, code, why, delay) WHERE deliveries.id = ending.delivery_id AND deliveries.claim_number = ending.claim AND deliveries.id IN (SELECT locked.id
FROM locked) RETURNING deliveries.id, deliveries.claim_number;

INSERT INTO attempts (delivery_id, number, trigger, sent_at, duration, phases, http_status_code, failure, error, note, request_headers, response_headers, response_body) SELECT added.delivery_id, added.number, added.trigger, added.sent_at, added.duration, added.phases, added.http_status_code, added.failure, added.error, added.note, added.request_headers, added.response_headers, added.response_body
FROM unnest($1::TEXT[], $2::INTEGER[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[], $6::JSON[], $7::INTEGER[], $8::TEXT[], $9::TEXT[], $10::TEXT[], $11::JSON[], $12::JSON[], $13::BYTEA[]) AS added(delivery_id, number, trigger, sent_at, duration, phases, http_status_code, failure, error, note, request_headers, response_headers, response_body)
WHERE true;
