SELECT deliveries.id, deliveries.claim_number
FROM deliveries
WHERE deliveries.id = ANY (array((SELECT id
FROM jsonb_object_keys($1::JSONB) AS id))) AND deliveries.claim_number = CAST(($1::JSONB ->> deliveries.id) AS INTEGER) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id FOR UPDATE;
