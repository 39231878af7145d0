SELECT deliveries.id
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.id IN (?, ?);
