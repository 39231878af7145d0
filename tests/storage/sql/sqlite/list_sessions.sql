SELECT sessions.id, sessions.method, sessions.address, sessions.user_agent, sessions.created_at, sessions.last_seen_at, sessions.expires_at
FROM sessions
WHERE sessions.user_id = ? AND sessions.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 ORDER BY sessions.id DESC
 LIMIT ? OFFSET ?;
