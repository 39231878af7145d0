SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.every, expectations.grace, expectations.missed_at, expectations.missed_count, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS newest_run_id, CASE WHEN ((SELECT runs.status
FROM runs
WHERE runs.job_id = jobs.id AND runs.status IN (?, ?) ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) = ?) THEN ? WHEN (expectations.missed_count > ? OR expectations.missed_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN ? WHEN (expectations.missed_at - expectations.grace <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN ? WHEN ((SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) IS NOT NULL) THEN ? ELSE ? END AS place, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AS now
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE jobs.account_id = ? AND jobs.id = ?;
