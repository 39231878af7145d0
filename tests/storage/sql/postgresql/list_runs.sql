SELECT runs.id, runs.account_id, runs.job_id, runs.run_key, runs.start_fingerprint, runs.run_reason, runs.dbt_version, runs.status, runs.status_message, runs.outcome, runs.results, runs.steps, runs.progress, runs.event_count, runs.started_at, runs.finished_at, runs.cancel_requested_at, runs.heartbeats, runs.longest_silence, runs.cancelable, runs.trigger, runs.is_late, runs.has_warned, runs.heartbeat_at, runs.lost_at, runs.created_at, jobs.name AS job_name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, EXISTS (SELECT *
FROM artifacts
WHERE artifacts.run_id = runs.id AND artifacts.is_whole) AS has_artifacts
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id JOIN runs ON runs.job_id = jobs.id
WHERE runs.account_id = $1::BIGINT AND runs.id IN ($15::BIGINT) AND runs.job_id IN ($16::BIGINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = $2::BIGINT AND environments.project_id IN ($17::BIGINT) AND environments.id IN ($18::BIGINT)) AND runs.status IN ($19::SMALLINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = $3::BIGINT AND ((jobs.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $5::VARCHAR || '%' ESCAPE '/') OR (environments.name ILIKE '%' || $6::VARCHAR || '%' ESCAPE '/'))) AND runs.created_at >= $7::BIGINT AND runs.created_at <= $8::BIGINT AND runs.started_at >= $9::BIGINT AND runs.started_at <= $10::BIGINT AND runs.finished_at >= $11::BIGINT AND runs.finished_at <= $12::BIGINT ORDER BY runs.finished_at DESC NULLS FIRST, runs.id DESC
 LIMIT $13::INTEGER OFFSET $14::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT runs.id AS id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id IN ($14::BIGINT) AND runs.job_id IN ($15::BIGINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = $2::BIGINT AND environments.project_id IN ($16::BIGINT) AND environments.id IN ($17::BIGINT)) AND runs.status IN ($18::SMALLINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = $3::BIGINT AND ((jobs.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $5::VARCHAR || '%' ESCAPE '/') OR (environments.name ILIKE '%' || $6::VARCHAR || '%' ESCAPE '/'))) AND runs.created_at >= $7::BIGINT AND runs.created_at <= $8::BIGINT AND runs.started_at >= $9::BIGINT AND runs.started_at <= $10::BIGINT AND runs.finished_at >= $11::BIGINT AND runs.finished_at <= $12::BIGINT
 LIMIT $13::INTEGER) AS anon_1;
