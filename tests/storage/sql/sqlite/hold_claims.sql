SELECT json_group_array(json_array(one.id)) AS json_group_array_1
FROM (SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) AND deliveries.state = 'sending' AND deliveries.claimed_by = ? ORDER BY deliveries.id) AS one;
