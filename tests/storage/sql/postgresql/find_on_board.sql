SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, expectations.every, expectations.grace, expectations.missed_at, expectations.missed_count, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT $1::INTEGER) AS newest_run_id, CASE WHEN ((SELECT runs.status
FROM runs
WHERE runs.job_id = jobs.id AND runs.status IN ($12::SMALLINT, $13::SMALLINT) ORDER BY runs.id DESC
 LIMIT $2::INTEGER) = $3::SMALLINT) THEN $4::INTEGER WHEN (expectations.missed_count > $5::INTEGER OR expectations.missed_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) THEN $6::INTEGER WHEN (expectations.missed_at - expectations.grace <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) THEN $7::INTEGER WHEN ((SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT $1::INTEGER) IS NOT NULL) THEN $8::INTEGER ELSE $9::INTEGER END AS place, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AS now
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id LEFT OUTER JOIN expectations ON expectations.job_id = jobs.id
WHERE jobs.account_id = $10::BIGINT AND jobs.id = $11::BIGINT;
