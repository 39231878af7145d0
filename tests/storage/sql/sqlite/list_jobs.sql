SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, jobs.created_at, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS newest_run_id, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id AND runs.status >= ? ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS newest_ended_run_id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = ? AND jobs.id IN (?) AND projects.id IN (?) AND environments.id IN (?) AND jobs.name = ? AND (lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND ((lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/')) ORDER BY jobs.name DESC, jobs.id DESC
 LIMIT ? OFFSET ?;

SELECT count(*) AS count_1
FROM (SELECT jobs.id AS id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = ? AND jobs.id IN (?) AND projects.id IN (?) AND environments.id IN (?) AND jobs.name = ? AND (lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') AND ((lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/'))
 LIMIT ? OFFSET ?) AS anon_1;
