DELETE FROM tokens WHERE tokens.id IN (SELECT tokens.id
FROM tokens
WHERE tokens.revoked_at < $1::BIGINT OR tokens.expires_at < $2::BIGINT
 LIMIT $3::INTEGER);
