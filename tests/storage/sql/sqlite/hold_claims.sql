SELECT deliveries.id, deliveries.claim_number
FROM deliveries
WHERE (deliveries.id, deliveries.claim_number) IN (SELECT claims.delivery_id, claims.number
FROM (SELECT json_extract(anon_1.value, '$[0]') AS delivery_id, json_extract(anon_1.value, '$[1]') AS number
FROM json_each(?) AS anon_1) AS claims) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id;
