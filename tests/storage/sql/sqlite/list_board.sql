SELECT board.id, board.account_id, board.name, board.project_id, board.project_name, board.environment_id, board.environment_name, board.every, board.grace, board.missed_at, board.missed_count, board.newest_run_id, board.place, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AS now
FROM (SELECT jobs.id AS id, jobs.account_id AS account_id, jobs.name AS name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.every AS every, expectations.grace AS grace, expectations.missed_at AS missed_at, expectations.missed_count AS missed_count, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS newest_run_id, CASE WHEN ((SELECT runs.status
FROM runs
WHERE runs.job_id = jobs.id AND runs.status IN (?, ?) ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) = ?) THEN ? WHEN (expectations.missed_count > ? OR expectations.missed_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN ? WHEN (expectations.missed_at - expectations.grace <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000) THEN ? WHEN ((SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) IS NOT NULL) THEN ? ELSE ? END AS place
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE jobs.account_id = ? AND ((lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/'))) AS board
WHERE board.place IN (?) ORDER BY board.place, board.project_name, board.environment_name, board.name, board.id
 LIMIT ? OFFSET ?;
