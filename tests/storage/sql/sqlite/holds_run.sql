SELECT runs.id
FROM runs
WHERE runs.account_id = ? AND runs.id = ?;
