SELECT runs.id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT FOR NO KEY UPDATE;

UPDATE artifacts SET is_whole=$1::BOOLEAN, touched_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE artifacts.run_id = $2::BIGINT AND (artifacts.name, artifacts.step) IN (SELECT artifacts.name, artifacts.step
FROM artifacts
WHERE artifacts.id = $3::BIGINT) AND artifacts.is_whole;

UPDATE artifacts SET is_whole=$1::BOOLEAN, touched_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE artifacts.id = $2::BIGINT AND artifacts.run_id = $3::BIGINT;
