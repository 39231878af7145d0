INSERT INTO attempts (delivery_id, number, "trigger", sent_at, duration, phases, http_status_code, failure, error, note, request_headers, response_headers, response_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

WITH ending(delivery_id, claim, new_state, number, code, why, delay) AS
(VALUES (?, ?, ?, ?, ?, ?, ?))
 UPDATE deliveries SET state=ending.new_state, attempt_count=ending.number, next_trigger='scheduled', next_attempt_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ending.delay), claimed_by=NULL, claimed_until=NULL, http_status_code=ending.code, failure=ending.why, updated_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 FROM ending WHERE deliveries.id = ending.delivery_id AND deliveries.claim_number = ending.claim AND (deliveries.state || '') = 'sending';
