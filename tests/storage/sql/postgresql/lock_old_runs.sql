SELECT runs.id
FROM runs
WHERE runs.created_at < $1::BIGINT AND runs.finished_at < $2::BIGINT AND runs.status >= $3::SMALLINT AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.run_id = runs.id
 LIMIT 1) IS NULL ORDER BY runs.created_at
 LIMIT $4::INTEGER FOR UPDATE OF runs SKIP LOCKED;
