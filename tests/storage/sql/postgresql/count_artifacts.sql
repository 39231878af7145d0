SELECT count(*) AS files, coalesce(sum(artifacts.size), $1::INTEGER) AS size
FROM artifacts
WHERE artifacts.run_id = $2::BIGINT;
