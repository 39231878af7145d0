SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.every, expectations.grace, expectations.missed_at, expectations.missed_count, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AS now, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT $1::INTEGER) AS last_run_id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id JOIN expectations ON expectations.job_id = jobs.id
WHERE expectations.missed_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY expectations.missed_at, expectations.job_id
 LIMIT $2::INTEGER FOR UPDATE OF expectations SKIP LOCKED;
