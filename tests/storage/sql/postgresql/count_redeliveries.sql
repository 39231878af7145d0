SELECT count(*) AS count_1
FROM redeliveries
WHERE redeliveries.account_id = $1::BIGINT;
