WITH claimable AS
(SELECT ranked.id AS id
FROM (SELECT candidate.id AS id, CAST(anon_1.value AS INTEGER) AS places, row_number() OVER (PARTITION BY candidate.webhook_id ORDER BY candidate.next_attempt_at, candidate.id) AS place
FROM json_each(?) AS anon_1 JOIN deliveries AS candidate ON candidate.id IN (SELECT deliveries.id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = anon_1."key" AND deliveries.next_attempt_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AND (SELECT earlier.id
FROM deliveries AS earlier
WHERE earlier.run_id = deliveries.run_id AND earlier.webhook_id = deliveries.webhook_id AND earlier.event_sequence < deliveries.event_sequence AND earlier.attempt_count = ? AND earlier.state IN ('pending', 'sending')
 LIMIT 1 OFFSET ?) IS NULL ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT (SELECT max(anon_2.value) AS max_1
FROM json_each(?) AS anon_2) OFFSET ?)) AS ranked
WHERE ranked.place <= ranked.places)
 UPDATE deliveries SET state=?, claimed_by=?, claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE deliveries.id IN (SELECT claimable.id
FROM claimable) RETURNING id, account_id, webhook_id, run_id, event_type, body, attempt_count, attempts_before;
