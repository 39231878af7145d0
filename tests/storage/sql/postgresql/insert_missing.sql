INSERT INTO projects (account_id, name, created_at, used_at) VALUES ($1::BIGINT, $2::VARCHAR, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) ON CONFLICT (account_id, name) DO UPDATE SET used_at = CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) RETURNING projects.id;

SELECT projects.id, projects.account_id AS within, projects.name
FROM projects
WHERE (projects.account_id, projects.name) IN (($1, $2));

INSERT INTO environments (account_id, project_id, name, created_at, used_at) VALUES ($1::BIGINT, $2::BIGINT, $3::VARCHAR, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) ON CONFLICT (project_id, name) DO UPDATE SET used_at = CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) RETURNING environments.id;

SELECT environments.id, environments.project_id AS within, environments.name
FROM environments
WHERE (environments.project_id, environments.name) IN (($1, $2));

INSERT INTO jobs (account_id, environment_id, name, created_at, used_at) VALUES ($1::BIGINT, $2::BIGINT, $3::VARCHAR, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT), CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) ON CONFLICT (environment_id, name) DO UPDATE SET used_at = CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) RETURNING jobs.id;
