SELECT count(*) AS count_1
FROM password_resets
WHERE password_resets.user_id = ? AND password_resets.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;
