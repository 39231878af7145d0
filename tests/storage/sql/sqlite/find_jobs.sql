SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.job_id IS NOT NULL AS is_expected
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE (jobs.account_id, projects.name, environments.name, jobs.name) IN (VALUES (?, ?, ?, ?));
