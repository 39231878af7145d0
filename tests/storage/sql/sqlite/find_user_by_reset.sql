SELECT users.id, users.email, users.name, users.created_at
FROM users JOIN password_resets ON password_resets.user_id = users.id
WHERE password_resets.digest = ? AND password_resets.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;
