SELECT DISTINCT artifacts.name
FROM artifacts JOIN runs ON runs.id = artifacts.run_id
WHERE runs.account_id = $1::BIGINT AND runs.id = $2::BIGINT AND artifacts.is_whole;
