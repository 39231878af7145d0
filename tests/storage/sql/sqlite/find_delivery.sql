SELECT deliveries.id, deliveries.account_id, deliveries.webhook_id, deliveries.run_id, deliveries.event_sequence, deliveries.job_id, deliveries.is_test, deliveries.event_type, deliveries.state, deliveries.body, deliveries.attempt_count, deliveries.attempts_before, deliveries.next_trigger, deliveries.next_attempt_at, deliveries.claim_number, deliveries.claimed_by, deliveries.claimed_until, deliveries.http_status_code, deliveries.failure, deliveries.cancel_reason, deliveries.created_at, deliveries.updated_at
FROM deliveries
WHERE deliveries.account_id = ? AND deliveries.id = ?;
