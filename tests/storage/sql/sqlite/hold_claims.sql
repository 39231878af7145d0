SELECT json_group_array(json_array(one.id, one.claim_number)) AS json_group_array_1
FROM (SELECT deliveries.id AS id, deliveries.claim_number AS claim_number
FROM deliveries
WHERE (deliveries.id, deliveries.claim_number) IN (SELECT anon_1."key", anon_1.value
FROM json_each(?) AS anon_1) AND (deliveries.state || '') = 'sending' ORDER BY deliveries.id) AS one;
