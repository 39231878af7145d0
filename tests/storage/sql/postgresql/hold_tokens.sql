SELECT tokens.account_id, tokens.id, tokens.permission_set
FROM tokens
WHERE tokens.id = ANY ($1::BIGINT[]) AND tokens.revoked_at IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) ORDER BY tokens.id FOR KEY SHARE;
