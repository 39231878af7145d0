SELECT json_group_array(json_array(one.id, one.claim_number)) AS json_group_array_1
FROM (SELECT deliveries.id AS id, deliveries.claim_number AS claim_number
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_by = ? AND deliveries.is_test = 0) AS one;
