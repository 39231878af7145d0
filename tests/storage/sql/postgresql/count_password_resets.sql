SELECT count(*) AS count_1
FROM password_resets
WHERE password_resets.user_id = $1::BIGINT AND password_resets.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);
