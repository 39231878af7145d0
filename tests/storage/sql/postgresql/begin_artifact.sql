SELECT runs.id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT FOR NO KEY UPDATE;

INSERT INTO artifacts (run_id, name, size, is_whole, touched_at) VALUES ($1::BIGINT, $2::VARCHAR, $3::BIGINT, $4::BOOLEAN, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)) RETURNING artifacts.id;
