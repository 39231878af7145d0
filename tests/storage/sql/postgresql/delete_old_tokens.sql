WITH locked AS
(SELECT tokens.id AS id
FROM tokens
WHERE tokens.id IN (SELECT tokens.id
FROM tokens
WHERE tokens.revoked_at < $1::BIGINT OR tokens.expires_at < $2::BIGINT
 LIMIT $3::INTEGER) ORDER BY tokens.id FOR UPDATE OF tokens)
 DELETE FROM tokens WHERE tokens.id IN (SELECT locked.id
FROM locked);
