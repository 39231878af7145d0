SELECT environments.id, environments.account_id, environments.project_id, environments.name, environments.created_at, environments.used_at, projects.name AS project_name, projects.created_at AS project_created_at
FROM environments JOIN projects ON projects.id = environments.project_id
WHERE environments.account_id = $1::BIGINT AND environments.id IN ($8::BIGINT) AND projects.id IN ($9::BIGINT) AND environments.name = $2::VARCHAR AND (environments.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') AND ((environments.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $5::VARCHAR || '%' ESCAPE '/')) ORDER BY environments.name DESC, environments.id DESC
 LIMIT $6::INTEGER OFFSET $7::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT environments.id AS id
FROM environments JOIN projects ON projects.id = environments.project_id
WHERE environments.account_id = $1::BIGINT AND environments.id IN ($7::BIGINT) AND projects.id IN ($8::BIGINT) AND environments.name = $2::VARCHAR AND (environments.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') AND ((environments.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $5::VARCHAR || '%' ESCAPE '/'))
 LIMIT $6::INTEGER) AS anon_1;
