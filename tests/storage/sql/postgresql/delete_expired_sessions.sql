DELETE FROM sessions WHERE sessions.user_id = $1::BIGINT AND sessions.expires_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT);
