UPDATE sessions SET last_seen_at=$1::BIGINT, expires_at=$2::BIGINT WHERE sessions.id = $3::BIGINT AND sessions.last_seen_at <= $4::BIGINT;
