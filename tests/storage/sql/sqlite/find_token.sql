SELECT tokens.id, tokens.name, tokens.account_id, accounts.identifier, tokens.permission_set
FROM tokens JOIN accounts ON accounts.id = tokens.account_id
WHERE tokens.digest = ?;
