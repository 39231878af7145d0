SELECT runs.created_at, runs.id, runs.finished_at IS NOT NULL AND runs.finished_at < $1::BIGINT AND runs.status >= $2::SMALLINT AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.run_id = runs.id
 LIMIT 1) IS NULL AS can_go
FROM runs
WHERE (runs.created_at, runs.id) > ($3::BIGINT, $4::INTEGER) AND runs.created_at < $5::BIGINT ORDER BY runs.created_at, runs.id
 LIMIT $6::INTEGER;
