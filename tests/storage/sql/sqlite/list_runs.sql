SELECT runs.id, runs.account_id, runs.job_id, runs.run_key, runs.start_fingerprint, runs.run_reason, runs.dbt_version, runs.status, runs.status_message, runs.outcome, runs.results, runs.steps, runs.progress, runs.event_count, runs.started_at, runs.finished_at, runs.cancel_requested_at, runs.heartbeats, runs.longest_silence, runs.cancelable, runs."trigger", runs.is_late, runs.has_warned, runs.heartbeat_at, runs.lost_at, runs.created_at, jobs.name AS job_name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, EXISTS (SELECT *
FROM artifacts
WHERE artifacts.run_id = runs.id AND artifacts.is_whole = 1) AS has_artifacts
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id JOIN runs ON runs.job_id = jobs.id
WHERE runs.account_id = ? AND runs.id IN (?) AND runs.job_id IN (?) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = ? AND environments.project_id IN (?) AND environments.id IN (?)) AND runs.status IN (?) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = ? AND ((lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/'))) AND runs.created_at >= ? AND runs.created_at <= ? AND runs.started_at >= ? AND runs.started_at <= ? AND runs.finished_at >= ? AND runs.finished_at <= ? ORDER BY runs.finished_at DESC NULLS FIRST, runs.id DESC
 LIMIT ? OFFSET ?;

SELECT count(*) AS count_1
FROM (SELECT runs.id AS id
FROM runs
WHERE runs.account_id = ? AND runs.id IN (?) AND runs.job_id IN (?) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = ? AND environments.project_id IN (?) AND environments.id IN (?)) AND runs.status IN (?) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = ? AND ((lower(jobs.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(projects.name) LIKE '%' || lower(?) || '%' ESCAPE '/') OR (lower(environments.name) LIKE '%' || lower(?) || '%' ESCAPE '/'))) AND runs.created_at >= ? AND runs.created_at <= ? AND runs.started_at >= ? AND runs.started_at <= ? AND runs.finished_at >= ? AND runs.finished_at <= ?
 LIMIT ? OFFSET ?) AS anon_1;
