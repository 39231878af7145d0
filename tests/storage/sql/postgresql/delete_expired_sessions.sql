WITH locked AS
(SELECT sessions.id AS id
FROM sessions
WHERE sessions.user_id = $1::BIGINT AND sessions.expires_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY sessions.id FOR UPDATE OF sessions)
 DELETE FROM sessions WHERE sessions.id IN (SELECT locked.id
FROM locked);
