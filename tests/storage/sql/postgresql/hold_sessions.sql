SELECT sessions.id, sessions.user_id
FROM sessions
WHERE sessions.id IN ($1::BIGINT) AND sessions.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY sessions.id FOR KEY SHARE;
