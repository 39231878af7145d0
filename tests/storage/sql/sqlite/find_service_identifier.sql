SELECT accounts.identifier
FROM accounts ORDER BY accounts.id
 LIMIT ? OFFSET ?;
