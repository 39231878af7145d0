SELECT runs.id, runs.account_id, runs.job_id, runs.run_key, runs.start_fingerprint, runs.run_reason, runs.dbt_version, runs.status, runs.status_message, runs.outcome, runs.results, runs.steps, runs.progress, runs.event_count, runs.started_at, runs.finished_at, runs.cancel_requested_at, runs.heartbeats, runs.longest_silence, runs.cancelable, runs.trigger, runs.is_late, runs.has_warned, runs.heartbeat_at, runs.lost_at, runs.created_at, jobs.name AS job_name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, EXISTS (SELECT *
FROM artifacts
WHERE artifacts.run_id = runs.id AND artifacts.is_whole) AS has_artifacts
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id JOIN runs ON runs.job_id = jobs.id
WHERE runs.account_id = $1::BIGINT AND runs.id IN ($11::BIGINT) AND runs.job_id IN ($12::BIGINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = $2::BIGINT AND environments.project_id IN ($13::BIGINT) AND environments.id IN ($14::BIGINT)) AND runs.status IN ($15::SMALLINT) AND runs.created_at >= $3::BIGINT AND runs.created_at <= $4::BIGINT AND runs.started_at >= $5::BIGINT AND runs.started_at <= $6::BIGINT AND runs.finished_at >= $7::BIGINT AND runs.finished_at <= $8::BIGINT ORDER BY runs.finished_at DESC NULLS FIRST, runs.id DESC
 LIMIT $9::INTEGER OFFSET $10::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT runs.id AS id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id IN ($10::BIGINT) AND runs.job_id IN ($11::BIGINT) AND runs.job_id IN (SELECT jobs.id
FROM jobs JOIN environments ON environments.id = jobs.environment_id
WHERE jobs.account_id = $2::BIGINT AND environments.project_id IN ($12::BIGINT) AND environments.id IN ($13::BIGINT)) AND runs.status IN ($14::SMALLINT) AND runs.created_at >= $3::BIGINT AND runs.created_at <= $4::BIGINT AND runs.started_at >= $5::BIGINT AND runs.started_at <= $6::BIGINT AND runs.finished_at >= $7::BIGINT AND runs.finished_at <= $8::BIGINT
 LIMIT $9::INTEGER) AS anon_1;
