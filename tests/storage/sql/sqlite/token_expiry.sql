SELECT tokens.expires_at
FROM tokens
WHERE tokens.id = ?;
