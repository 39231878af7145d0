SELECT runs.id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT FOR NO KEY UPDATE;

DELETE FROM artifacts WHERE artifacts.run_id = $1::BIGINT AND artifacts.name = $2::VARCHAR;

INSERT INTO artifacts (run_id, name, part, size, content, created_at) VALUES ($1::BIGINT, $2::VARCHAR, $3::INTEGER, $4::BIGINT, $5::BYTEA, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT));
