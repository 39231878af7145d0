SELECT count(*) AS count_1
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_until >= ? AND deliveries.account_id = ?;
