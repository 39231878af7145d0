SELECT runs.id
FROM runs
WHERE runs.id IN ($3::BIGINT) AND runs.finished_at IS NOT NULL AND runs.finished_at < $1::BIGINT AND runs.status >= $2::SMALLINT AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.run_id = runs.id
 LIMIT 1) IS NULL ORDER BY runs.id FOR UPDATE OF runs SKIP LOCKED;
