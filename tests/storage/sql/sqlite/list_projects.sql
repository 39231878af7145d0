SELECT projects.id, projects.account_id, projects.name, projects.created_at, projects.used_at
FROM projects
WHERE projects.account_id = ? AND projects.id IN (?) AND projects.id IN (?) AND projects.name = ? AND (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') ORDER BY projects.name DESC, projects.id DESC
 LIMIT ? OFFSET ?;

SELECT count(*) AS count_1
FROM (SELECT projects.id AS id
FROM projects
WHERE projects.account_id = ? AND projects.id IN (?) AND projects.id IN (?) AND projects.name = ? AND (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/')
 LIMIT ? OFFSET ?) AS anon_1;
