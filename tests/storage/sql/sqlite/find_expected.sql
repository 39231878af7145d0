SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.every, expectations.grace, expectations.missed_at, expectations.missed_count
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id JOIN expectations ON expectations.job_id = jobs.id
WHERE jobs.account_id = ? AND jobs.id = ?;
