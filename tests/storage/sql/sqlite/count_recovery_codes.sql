SELECT count(*) AS count_1
FROM recovery_codes
WHERE recovery_codes.user_id = ?;
