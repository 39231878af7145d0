SELECT sessions.id, sessions.user_id
FROM sessions
WHERE sessions.id IN (?) AND sessions.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 ORDER BY sessions.id;
