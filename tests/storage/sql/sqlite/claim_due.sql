WITH claimable AS
(SELECT ranked.id AS id
FROM (SELECT candidate.id AS id, lanes.places AS places, row_number() OVER (PARTITION BY candidate.webhook_id ORDER BY candidate.next_attempt_at, candidate.id) AS place
FROM (SELECT json_extract(anon_1.value, '$[0]') AS webhook_id, json_extract(anon_1.value, '$[1]') AS places
FROM json_each(?) AS anon_1) AS lanes JOIN deliveries AS candidate ON candidate.id IN (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = lanes.webhook_id AND deliveries.next_attempt_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AND (SELECT earlier.id
FROM deliveries AS earlier
WHERE earlier.run_id = deliveries.run_id AND earlier.webhook_id = deliveries.webhook_id AND earlier.event_sequence < deliveries.event_sequence AND earlier.attempt_count = ? AND earlier.state IN ('pending', 'sending')
 LIMIT 1 OFFSET ?) IS NULL AND (deliveries.waits_for IS NULL OR (SELECT "before".id
FROM deliveries AS "before"
WHERE "before".id = deliveries.waits_for AND ("before".state = 'sending' OR "before".state = 'pending' AND "before".attempt_count = ? AND "before".is_held = 0)
 LIMIT 1 OFFSET ?) IS NULL) ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT (SELECT max(lanes.places) AS max_1
FROM (SELECT json_extract(anon_1.value, '$[0]') AS webhook_id, json_extract(anon_1.value, '$[1]') AS places
FROM json_each(?) AS anon_1) AS lanes) OFFSET ?)) AS ranked
WHERE ranked.place <= ranked.places)
 UPDATE deliveries SET state=?, claim_number=(deliveries.claim_number + 1), claimed_by=?, claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE deliveries.id IN (SELECT claimable.id
FROM claimable) RETURNING id, claim_number, account_id, webhook_id, run_id, event_type, body, envelope, attempt_count, attempts_before, next_trigger;
