UPDATE tokens SET last_used_at=? WHERE tokens.id = ? AND (tokens.last_used_at IS NULL OR tokens.last_used_at <= ?);
