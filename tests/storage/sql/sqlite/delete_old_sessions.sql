DELETE FROM sessions WHERE sessions.id IN (SELECT sessions.id
FROM sessions
WHERE sessions.expires_at < ? ORDER BY sessions.expires_at
 LIMIT ? OFFSET ?) AND sessions.expires_at < ?;
