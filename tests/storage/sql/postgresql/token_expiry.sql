SELECT tokens.expires_at
FROM tokens
WHERE tokens.id = $1::BIGINT;
