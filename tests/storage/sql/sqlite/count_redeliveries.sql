SELECT count(*) AS count_1
FROM redeliveries
WHERE redeliveries.account_id = ?;
