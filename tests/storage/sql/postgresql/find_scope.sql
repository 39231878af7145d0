SELECT projects.name
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id = $2::BIGINT;
