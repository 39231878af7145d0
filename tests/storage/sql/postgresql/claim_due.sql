WITH claimable AS
(SELECT unnest(array((SELECT taken.id
FROM unnest($4::TEXT[], $5::INTEGER[]) AS lanes(webhook_id, places) JOIN LATERAL (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = lanes.webhook_id AND deliveries.next_attempt_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AND (SELECT earlier.id
FROM deliveries AS earlier
WHERE earlier.run_id = deliveries.run_id AND earlier.webhook_id = deliveries.webhook_id AND earlier.event_sequence < deliveries.event_sequence AND earlier.attempt_count = $6::INTEGER AND earlier.state IN ('pending', 'sending')
 LIMIT 1) IS NULL AND (deliveries.waits_for IS NULL OR (SELECT before.id
FROM deliveries AS before
WHERE before.id = deliveries.waits_for AND (before.state = 'sending' OR before.state = 'pending' AND before.attempt_count = $7::INTEGER AND NOT before.is_held)
 LIMIT 1) IS NULL) ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT lanes.places FOR UPDATE SKIP LOCKED) AS taken ON true))) AS id)
 UPDATE deliveries SET state=$1::VARCHAR, claim_number=(deliveries.claim_number + 1), claimed_by=$2::VARCHAR, claimed_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $3::BIGINT) WHERE deliveries.id IN (SELECT claimable.id
FROM claimable) RETURNING deliveries.id, deliveries.claim_number, deliveries.account_id, deliveries.webhook_id, deliveries.run_id, deliveries.event_type, deliveries.body, deliveries.envelope, deliveries.attempt_count, deliveries.attempts_before, deliveries.next_trigger;
