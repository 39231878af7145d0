SELECT tokens.account_id, tokens.id, tokens.permission_set
FROM tokens
WHERE tokens.id IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) AND tokens.revoked_at IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) ORDER BY tokens.id;
