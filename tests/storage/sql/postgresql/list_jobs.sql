SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name, jobs.created_at, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT $1::INTEGER) AS newest_run_id, (SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id AND runs.status >= $2::SMALLINT ORDER BY runs.id DESC
 LIMIT $3::INTEGER) AS newest_ended_run_id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = $4::BIGINT AND jobs.id IN ($12::BIGINT) AND projects.id IN ($13::BIGINT) AND environments.id IN ($14::BIGINT) AND jobs.name = $5::VARCHAR AND (jobs.name ILIKE '%' || $6::VARCHAR || '%' ESCAPE '/') AND ((jobs.name ILIKE '%' || $7::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $8::VARCHAR || '%' ESCAPE '/') OR (environments.name ILIKE '%' || $9::VARCHAR || '%' ESCAPE '/')) ORDER BY jobs.name DESC, jobs.id DESC
 LIMIT $10::INTEGER OFFSET $11::INTEGER;

SELECT count(*) AS count_1
FROM (SELECT jobs.id AS id
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = $1::BIGINT AND jobs.id IN ($8::BIGINT) AND projects.id IN ($9::BIGINT) AND environments.id IN ($10::BIGINT) AND jobs.name = $2::VARCHAR AND (jobs.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') AND ((jobs.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $5::VARCHAR || '%' ESCAPE '/') OR (environments.name ILIKE '%' || $6::VARCHAR || '%' ESCAPE '/'))
 LIMIT $7::INTEGER) AS anon_1;
