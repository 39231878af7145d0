INSERT INTO attempts (delivery_id, number, sent_at, duration, http_status_code, failure, error, request_headers, response_headers, response_body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

UPDATE deliveries SET state=?, attempt_count=?, next_attempt_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?), claimed_by=?, claimed_until=?, http_status_code=?, failure=?, updated_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE deliveries.id = ?;
