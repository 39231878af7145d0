UPDATE tokens SET last_used_at=$1::BIGINT WHERE tokens.id = $2::BIGINT AND (tokens.last_used_at IS NULL OR tokens.last_used_at <= $3::BIGINT);
