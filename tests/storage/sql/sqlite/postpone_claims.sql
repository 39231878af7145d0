UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN ? ELSE ? END, next_attempt_at=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?), claimed_by=?, claimed_until=? WHERE (deliveries.id, deliveries.claim_number) IN (SELECT anon_1."key", anon_1.value
FROM json_each(?) AS anon_1) AND (deliveries.state || '') = 'sending';
