DELETE FROM password_resets WHERE password_resets.id IN (SELECT password_resets.id
FROM password_resets
WHERE password_resets.expires_at < ? ORDER BY password_resets.expires_at
 LIMIT ? OFFSET ?);
