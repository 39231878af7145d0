SELECT projects.id
FROM projects
WHERE projects.account_id = ? AND projects.id IN (?, ?) ORDER BY projects.id;
