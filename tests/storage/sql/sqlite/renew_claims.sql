UPDATE deliveries SET claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE (deliveries.id, deliveries.claim_number) IN (SELECT anon_1."key", anon_1.value
FROM json_each(?) AS anon_1) AND (deliveries.state || '') = 'sending' RETURNING id, claim_number;
