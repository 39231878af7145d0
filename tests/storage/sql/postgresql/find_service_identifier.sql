SELECT accounts.identifier
FROM accounts ORDER BY accounts.id
 LIMIT $1::INTEGER;
