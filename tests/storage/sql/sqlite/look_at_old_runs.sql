SELECT runs.created_at, runs.id, runs.finished_at IS NOT NULL AND runs.finished_at < ? AND runs.status >= ? AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.run_id = runs.id
 LIMIT 1 OFFSET ?) IS NULL AS can_go
FROM runs
WHERE (runs.created_at, runs.id) > (?, ?) AND runs.created_at < ? ORDER BY runs.created_at, runs.id
 LIMIT ? OFFSET ?;
