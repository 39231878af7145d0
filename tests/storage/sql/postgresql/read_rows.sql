SELECT $1::INTEGER + coalesce(length(accounts.identifier), $2::INTEGER) + coalesce(length(accounts.name), $3::INTEGER) + coalesce(length(accounts.default_payload_version), $4::INTEGER) AS anon_1
FROM accounts
WHERE (accounts.id) > ($5::BIGINT) ORDER BY accounts.id
 LIMIT $6::INTEGER;

SELECT accounts.id, accounts.identifier, accounts.name, accounts.default_payload_version, accounts.created_at
FROM accounts
WHERE (accounts.id) > ($1::BIGINT) ORDER BY accounts.id
 LIMIT $2::INTEGER;
