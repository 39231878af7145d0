SELECT deliveries.id, deliveries.account_id, deliveries.webhook_id, deliveries.run_id, deliveries.event_sequence, deliveries.job_id, deliveries.is_test, deliveries.event_type, deliveries.state, deliveries.body, deliveries.attempt_count, deliveries.attempts_before, deliveries.next_attempt_at, deliveries.claimed_by, deliveries.claimed_until, deliveries.http_status_code, deliveries.failure, deliveries.created_at, deliveries.updated_at
FROM deliveries
WHERE deliveries.id IN (SELECT candidate.id
FROM (SELECT deliveries.id AS id, deliveries.state AS state, deliveries.event_type AS event_type, deliveries.job_id AS job_id, deliveries.is_test AS is_test, deliveries.created_at AS created_at
FROM deliveries
WHERE deliveries.account_id = $1::BIGINT AND deliveries.webhook_id = $2::VARCHAR COLLATE "C" AND deliveries.id >= $3::VARCHAR COLLATE "C" AND deliveries.id < $4::VARCHAR COLLATE "C" ORDER BY deliveries.id DESC
 LIMIT $5::INTEGER) AS candidate
WHERE candidate.state IN ($11::VARCHAR, $12::VARCHAR) AND candidate.event_type IN ($13::VARCHAR) AND candidate.job_id = $6::BIGINT AND candidate.is_test = false AND candidate.created_at >= $7::BIGINT AND candidate.created_at < $8::BIGINT ORDER BY candidate.id DESC
 LIMIT $9::INTEGER OFFSET $10::INTEGER) ORDER BY deliveries.id DESC;
