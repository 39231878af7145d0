SELECT accounts.id, accounts.identifier, accounts.name, accounts.default_payload_version, accounts.created_at, members.role
FROM accounts JOIN members ON members.account_id = accounts.id
WHERE members.user_id = $1::BIGINT AND accounts.id = $2::BIGINT;
