SELECT projects.id, projects.account_id, projects.name, projects.created_at, projects.used_at
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id IN ($7::BIGINT) AND projects.id IN ($8::BIGINT) AND projects.name = $2::VARCHAR AND (projects.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') AND (projects.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') ORDER BY projects.name DESC, projects.id DESC
 LIMIT $5::INTEGER OFFSET $6::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT projects.id AS id
FROM projects
WHERE projects.account_id = $1::BIGINT AND projects.id IN ($6::BIGINT) AND projects.id IN ($7::BIGINT) AND projects.name = $2::VARCHAR AND (projects.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') AND (projects.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/')
 LIMIT $5::INTEGER) AS anon_1;
