SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.job_id IS NOT NULL AS is_expected
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE (jobs.account_id, projects.name, environments.name, jobs.name) IN (VALUES (?, ?, ?, ?));

INSERT INTO projects (account_id, name, created_at, used_at) VALUES (?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) ON CONFLICT (account_id, name) DO UPDATE SET used_at = CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;

SELECT projects.id, projects.account_id AS within, projects.name
FROM projects
WHERE (projects.account_id, projects.name) IN (VALUES (?, ?));

INSERT INTO environments (account_id, project_id, name, created_at, used_at) VALUES (?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) ON CONFLICT (project_id, name) DO UPDATE SET used_at = CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;

SELECT environments.id, environments.project_id AS within, environments.name
FROM environments
WHERE (environments.project_id, environments.name) IN (VALUES (?, ?));

INSERT INTO jobs (account_id, environment_id, name, created_at, used_at) VALUES (?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) ON CONFLICT (environment_id, name) DO UPDATE SET used_at = CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000;

SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.job_id IS NOT NULL AS is_expected
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE (jobs.account_id, projects.name, environments.name, jobs.name) IN (VALUES (?, ?, ?, ?));
