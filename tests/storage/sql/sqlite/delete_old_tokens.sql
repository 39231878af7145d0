DELETE FROM tokens WHERE tokens.id IN (SELECT tokens.id
FROM tokens
WHERE tokens.revoked_at < ? OR tokens.expires_at < ?
 LIMIT ? OFFSET ?);
