SELECT runs.id
FROM runs
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT FOR NO KEY UPDATE;
