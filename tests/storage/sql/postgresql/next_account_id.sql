SELECT coalesce(max(accounts.id), $1::INTEGER) + $2::BIGINT AS anon_1
FROM accounts;
