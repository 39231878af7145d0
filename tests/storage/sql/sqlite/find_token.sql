SELECT tokens.id, tokens.account_id, tokens.name, tokens.permission_set, tokens.created_by, tokens.created_at, tokens.last_used_at, tokens.expires_at, tokens.revoked_at
FROM tokens
WHERE tokens.account_id = ? AND tokens.digest = ?;
