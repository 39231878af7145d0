SELECT deliveries.id
FROM deliveries
WHERE deliveries.id IN ($2::VARCHAR COLLATE "C") AND deliveries.state = 'sending' AND deliveries.claimed_by = $1::VARCHAR ORDER BY deliveries.id FOR UPDATE;
