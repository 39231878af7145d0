DELETE FROM sessions WHERE sessions.user_id = $1::BIGINT AND sessions.id = $2::BIGINT;
