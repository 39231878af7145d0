SELECT deliveries.id
FROM deliveries
WHERE deliveries.id = ANY ($1::TEXT[]) AND deliveries.state = 'sending' AND deliveries.claimed_by = $2::VARCHAR ORDER BY deliveries.id FOR UPDATE;
