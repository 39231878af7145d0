SELECT accounts.id, accounts.identifier, accounts.name, accounts.default_payload_version, accounts.created_at
FROM accounts
WHERE accounts.id = $1::BIGINT FOR NO KEY UPDATE;
