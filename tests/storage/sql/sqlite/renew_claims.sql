UPDATE deliveries SET claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM (SELECT json_extract(anon_1.value, '$[0]') AS delivery_id, json_extract(anon_1.value, '$[1]') AS number
FROM json_each(?) AS anon_1) AS claims) AND (deliveries.state || '') = 'sending' RETURNING id, claim_number;
