SELECT tokens.digest, tokens.revoked_at, tokens.expires_at
FROM tokens
WHERE tokens.digest IN (SELECT anon_1.value
FROM json_each(?) AS anon_1);
