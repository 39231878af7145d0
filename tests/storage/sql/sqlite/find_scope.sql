SELECT projects.name
FROM projects
WHERE projects.account_id = ? AND projects.id = ?;
