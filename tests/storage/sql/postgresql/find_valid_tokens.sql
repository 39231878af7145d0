SELECT tokens.digest, tokens.id, tokens.name, tokens.account_id, accounts.identifier, tokens.permission_set, tokens.last_used_at
FROM tokens JOIN accounts ON accounts.id = tokens.account_id
WHERE tokens.digest = ANY ($1::TEXT[]) AND tokens.revoked_at IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT));
