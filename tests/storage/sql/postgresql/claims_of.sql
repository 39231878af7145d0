SELECT deliveries.id, deliveries.claim_number
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_by = $1::VARCHAR AND NOT deliveries.is_test;
