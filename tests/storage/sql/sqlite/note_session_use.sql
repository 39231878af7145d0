UPDATE sessions SET last_seen_at=?, expires_at=? WHERE sessions.id = ? AND sessions.last_seen_at <= ?;
