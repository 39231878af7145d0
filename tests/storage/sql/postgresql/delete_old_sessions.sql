WITH locked AS
(SELECT sessions.id AS id
FROM sessions
WHERE sessions.id IN (SELECT sessions.id
FROM sessions
WHERE sessions.expires_at < $1::BIGINT ORDER BY sessions.expires_at
 LIMIT $2::INTEGER) AND sessions.expires_at < $3::BIGINT ORDER BY sessions.id FOR UPDATE OF sessions)
 DELETE FROM sessions WHERE sessions.id IN (SELECT locked.id
FROM locked);
