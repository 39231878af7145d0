SELECT count(*) AS count_1
FROM consumers
WHERE consumers.account_id = ?;
