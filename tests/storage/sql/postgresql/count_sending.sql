SELECT count(*) AS count_1
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_until >= $1::BIGINT AND deliveries.account_id = $2::BIGINT;
