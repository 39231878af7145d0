SELECT users.id, users.email, users.name, users.created_at
FROM users JOIN password_resets ON password_resets.user_id = users.id
WHERE password_resets.digest = $1::VARCHAR AND password_resets.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);
