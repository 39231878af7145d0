UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN ? ELSE ? END, next_attempt_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?), claimed_by=NULL, claimed_until=NULL WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM (SELECT json_extract(anon_1.value, '$[0]') AS delivery_id, json_extract(anon_1.value, '$[1]') AS number
FROM json_each(?) AS anon_1) AS claims) AND (deliveries.state || '') = 'sending';
