SELECT json_group_array(json_array(one.id, one.claim_number, one.account_id, one.webhook_id, one.run_id, one.event_type, CAST(one.body AS TEXT), one.envelope, one.attempt_count, one.attempts_before, one.next_trigger)) AS json_group_array_1
FROM (SELECT deliveries.id AS id, deliveries.claim_number + 1 AS claim_number, deliveries.account_id AS account_id, deliveries.webhook_id AS webhook_id, deliveries.run_id AS run_id, deliveries.event_type AS event_type, deliveries.body AS body, deliveries.envelope AS envelope, deliveries.attempt_count AS attempt_count, deliveries.attempts_before AS attempts_before, deliveries.next_trigger AS next_trigger
FROM deliveries
WHERE deliveries.id IN (SELECT ranked.id
FROM (SELECT candidate.id AS id, CAST(anon_1.value AS INTEGER) AS places, row_number() OVER (PARTITION BY candidate.webhook_id ORDER BY candidate.next_attempt_at, candidate.id) AS place
FROM json_each(?) AS anon_1 JOIN deliveries AS candidate ON candidate.id IN (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = anon_1."key" AND deliveries.next_attempt_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AND (SELECT earlier.id
FROM deliveries AS earlier
WHERE earlier.run_id = deliveries.run_id AND earlier.webhook_id = deliveries.webhook_id AND earlier.event_sequence < deliveries.event_sequence AND earlier.attempt_count = ? AND earlier.state IN ('pending', 'sending')
 LIMIT 1 OFFSET ?) IS NULL AND (deliveries.waits_for IS NULL OR (SELECT "before".id
FROM deliveries AS "before"
WHERE "before".id = deliveries.waits_for AND ("before".state = 'sending' OR "before".state = 'pending' AND "before".attempt_count = ? AND "before".is_held = 0)
 LIMIT 1 OFFSET ?) IS NULL) ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT (SELECT max(anon_2.value) AS max_1
FROM json_each(?) AS anon_2) OFFSET ?)) AS ranked
WHERE ranked.place <= ranked.places)) AS one;
