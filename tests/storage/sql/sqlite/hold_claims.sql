SELECT deliveries.id
FROM deliveries
WHERE deliveries.id IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) AND deliveries.state = 'sending' AND deliveries.claimed_by = ? ORDER BY deliveries.id;
