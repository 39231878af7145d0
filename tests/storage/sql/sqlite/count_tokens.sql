SELECT count(*) AS count_1
FROM tokens
WHERE tokens.account_id = ?;
