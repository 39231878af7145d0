WITH held AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN (?) AND deliveries.state = 'sending' AND deliveries.claimed_by = ? ORDER BY deliveries.id)
 UPDATE deliveries SET claimed_until=(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ?) WHERE deliveries.id IN (SELECT held.id
FROM held) RETURNING id;
