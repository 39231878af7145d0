SELECT projects.id
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id IN ($2::BIGINT, $3::BIGINT) ORDER BY projects.id FOR KEY SHARE;
