SELECT environments.id, environments.account_id, environments.project_id, environments.name, environments.created_at, environments.used_at, projects.name AS project_name, projects.created_at AS project_created_at
FROM environments JOIN projects ON projects.id = environments.project_id
WHERE environments.account_id = ? AND environments.id IN (?) AND projects.id IN (?) AND environments.name = ? AND (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND ((lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/')) ORDER BY environments.name DESC, environments.id DESC
 LIMIT ? OFFSET ?;

SELECT count(*) AS count_1
FROM (SELECT environments.id AS id
FROM environments JOIN projects ON projects.id = environments.project_id
WHERE environments.account_id = ? AND environments.id IN (?) AND projects.id IN (?) AND environments.name = ? AND (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND ((lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/'))
 LIMIT ? OFFSET ?) AS anon_1;
