SELECT sessions.id, sessions.method, sessions.address, sessions.user_agent, sessions.created_at, sessions.last_seen_at, sessions.expires_at
FROM sessions
WHERE sessions.user_id = $1::BIGINT AND sessions.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY sessions.id DESC
 LIMIT $2::INTEGER OFFSET $3::INTEGER;
