WITH locked AS
(SELECT sessions.id AS id
FROM sessions
WHERE sessions.user_id = $1::BIGINT AND sessions.id != $2::BIGINT ORDER BY sessions.id FOR UPDATE OF sessions)
 DELETE FROM sessions WHERE sessions.id IN (SELECT locked.id
FROM locked);
