SELECT ? + coalesce(length(accounts.identifier), ?) + coalesce(length(accounts.name), ?) + coalesce(length(accounts.default_payload_version), ?) AS anon_1
FROM accounts
WHERE (accounts.id) > (?) ORDER BY accounts.id
 LIMIT ? OFFSET ?;

SELECT accounts.id, accounts.identifier, accounts.name, accounts.default_payload_version, accounts.created_at
FROM accounts
WHERE (accounts.id) > (?) ORDER BY accounts.id
 LIMIT ? OFFSET ?;
