SELECT EXISTS (SELECT identities.subject
FROM identities
WHERE identities.user_id = $1::BIGINT AND identities.issuer = $2::VARCHAR) AS anon_1;
