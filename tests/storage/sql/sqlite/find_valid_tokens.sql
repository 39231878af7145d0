SELECT tokens.digest, tokens.id, tokens.name, tokens.account_id, accounts.identifier, tokens.permission_set, tokens.last_used_at
FROM tokens JOIN accounts ON accounts.id = tokens.account_id
WHERE tokens.digest IN (SELECT anon_1.value
FROM json_each(?) AS anon_1) AND tokens.revoked_at IS NULL AND (tokens.expires_at IS NULL OR tokens.expires_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000);
