SELECT projects.id, projects.account_id, projects.name, projects.created_at, projects.used_at
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id IN ($6::BIGINT) AND projects.id IN ($7::BIGINT) AND projects.name = $2::VARCHAR AND (projects.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') ORDER BY projects.name DESC, projects.id DESC
 LIMIT $4::INTEGER OFFSET $5::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT projects.id AS id
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id IN ($5::BIGINT) AND projects.id IN ($6::BIGINT) AND projects.name = $2::VARCHAR AND (projects.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/')
 LIMIT $4::INTEGER) AS anon_1;
