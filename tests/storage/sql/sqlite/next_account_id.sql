SELECT coalesce(max(accounts.id), ?) + ? AS anon_1
FROM accounts;
