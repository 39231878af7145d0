SELECT tokens.digest, tokens.revoked_at, tokens.expires_at
FROM tokens
WHERE tokens.digest = ANY ($1::TEXT[]);
