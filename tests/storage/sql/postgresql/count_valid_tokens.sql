SELECT count(*) AS count_1
FROM tokens
WHERE tokens.account_id = $1::BIGINT AND tokens.revoked_at IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT));
