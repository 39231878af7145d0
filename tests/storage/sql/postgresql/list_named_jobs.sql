SELECT jobs.id, jobs.account_id, jobs.name, projects.id AS project_id, projects.name AS project_name, environments.id AS environment_id, environments.name AS environment_name
FROM jobs JOIN environments ON environments.id = jobs.environment_id JOIN projects ON projects.id = environments.project_id
WHERE jobs.account_id = $1::BIGINT AND (jobs.id IN ($8::BIGINT) OR (jobs.name ILIKE '%' || $2::VARCHAR || '%' ESCAPE '/') OR (projects.name ILIKE '%' || $3::VARCHAR || '%' ESCAPE '/') OR (environments.name ILIKE '%' || $4::VARCHAR || '%' ESCAPE '/')) ORDER BY CASE WHEN (jobs.id IN ($8::BIGINT)) THEN $5::INTEGER ELSE $6::INTEGER END, jobs.name, projects.name, environments.name, jobs.id
 LIMIT $7::INTEGER;
