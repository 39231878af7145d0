SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = ? AND (jobs.id IN (?) OR (lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/')) ORDER BY CASE WHEN (jobs.id IN (?)) THEN ? ELSE ? END, jobs.name, projects.name, environments.name, jobs.id
 LIMIT ? OFFSET ?;
