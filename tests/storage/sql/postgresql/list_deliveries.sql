SELECT deliveries.id, deliveries.account_id, deliveries.webhook_id, deliveries.run_id, deliveries.event_sequence, deliveries.job_id, deliveries.is_test, deliveries.event_type, deliveries.state, deliveries.body, deliveries.envelope, deliveries.attempt_count, deliveries.attempts_before, deliveries.next_trigger, deliveries.next_attempt_at, deliveries.is_held, deliveries.waits_for, deliveries.claim_number, deliveries.claimed_by, deliveries.claimed_until, deliveries.http_status_code, deliveries.failure, deliveries.cancel_reason, deliveries.created_at, deliveries.updated_at
FROM deliveries
WHERE deliveries.id IN (SELECT candidate.id
FROM (SELECT deliveries.id AS id, deliveries.state AS state, deliveries.event_type AS event_type, deliveries.job_id AS job_id, deliveries.is_test AS is_test, deliveries.http_status_code AS http_status_code, deliveries.created_at AS created_at
FROM deliveries
WHERE deliveries.account_id + $1::BIGINT = $2::BIGINT AND deliveries.webhook_id = $3::VARCHAR COLLATE "C" AND deliveries.created_at >= $4::BIGINT AND deliveries.created_at < $5::BIGINT AND (deliveries.created_at, deliveries.id) < ($6::BIGINT, $7::VARCHAR COLLATE "C") ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT $8::INTEGER) AS candidate
WHERE candidate.state IN ($15::VARCHAR, $16::VARCHAR) AND candidate.event_type IN ($17::VARCHAR) AND candidate.job_id = $9::BIGINT AND candidate.is_test = false AND coalesce(candidate.http_status_code, $10::INTEGER) >= $11::INTEGER AND coalesce(candidate.http_status_code, $10::INTEGER) < $12::INTEGER ORDER BY candidate.created_at DESC, candidate.id DESC
 LIMIT $13::INTEGER OFFSET $14::INTEGER) ORDER BY deliveries.created_at DESC, deliveries.id DESC;
