SELECT deliveries.id, deliveries.account_id, deliveries.webhook_id, deliveries.run_id, deliveries.event_sequence, deliveries.job_id, deliveries.is_test, deliveries.event_type, deliveries.state, deliveries.body, deliveries.envelope, deliveries.attempt_count, deliveries.attempts_before, deliveries.next_trigger, deliveries.next_attempt_at, deliveries.is_held, deliveries.waits_for, deliveries.claim_number, deliveries.claimed_by, deliveries.claimed_until, deliveries.http_status_code, deliveries.failure, deliveries.cancel_reason, deliveries.redelivery_id, deliveries.created_at, deliveries.updated_at
FROM deliveries
WHERE deliveries.id IN (SELECT candidate.id
FROM (SELECT deliveries.id AS id, deliveries.state AS state, deliveries.event_type AS event_type, deliveries.job_id AS job_id, deliveries.webhook_id AS webhook_id, deliveries.is_test AS is_test, deliveries.http_status_code AS http_status_code, deliveries.created_at AS created_at
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.webhook_id = ? AND deliveries.created_at >= ? AND deliveries.created_at < ? AND (deliveries.created_at, deliveries.id) < (?, ?) ORDER BY deliveries.created_at DESC, deliveries.id DESC
 LIMIT ? OFFSET ?) AS candidate
WHERE candidate.state IN (?, ?) AND candidate.event_type IN (?) AND candidate.job_id = ? AND (candidate.job_id IN (?) OR candidate.webhook_id IN (?)) AND candidate.is_test = 0 AND coalesce(candidate.http_status_code, ?) >= ? AND coalesce(candidate.http_status_code, ?) < ? ORDER BY candidate.created_at DESC, candidate.id DESC
 LIMIT ? OFFSET ?) ORDER BY deliveries.created_at DESC, deliveries.id DESC;
