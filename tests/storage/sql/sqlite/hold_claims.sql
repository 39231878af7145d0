SELECT deliveries.id
FROM deliveries
WHERE deliveries.id IN (?) AND deliveries.state = 'sending' AND deliveries.claimed_by = ? ORDER BY deliveries.id;
