SELECT deliveries.id, deliveries.claim_number
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_by = ? AND deliveries.is_test = 0;
