INSERT INTO attempts (delivery_id, number, trigger, sent_at, duration, http_status_code, failure, error, request_headers, response_headers, response_body) SELECT * FROM unnest($1::VARCHAR[], $2::INTEGER[], $3::VARCHAR[], $4::BIGINT[], $5::BIGINT[], $6::INTEGER[], $7::VARCHAR[], $8::VARCHAR[], $9::JSON[], $10::JSON[], $11::BYTEA[]);

WITH ending(delivery_id, new_state, number, code, why, delay) AS
(SELECT * FROM unnest($1::VARCHAR[], $2::VARCHAR[], $3::INTEGER[], $4::INTEGER[], $5::VARCHAR[], $6::BIGINT[]))
 UPDATE deliveries SET state=ending.new_state, attempt_count=ending.number, next_trigger='scheduled', next_attempt_at=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + ending.delay), claimed_by=NULL, claimed_until=NULL, http_status_code=ending.code, failure=ending.why, updated_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) FROM ending WHERE deliveries.id = ending.delivery_id;
