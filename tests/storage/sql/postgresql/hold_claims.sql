SELECT deliveries.id, deliveries.claim_number
FROM deliveries
WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM unnest($1::TEXT[], $2::INTEGER[]) AS claims(delivery_id, number)) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR UPDATE;
