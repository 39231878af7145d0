SELECT count(*) AS files, coalesce(sum(artifacts.size), ?) AS size
FROM artifacts
WHERE artifacts.run_id = ?;
