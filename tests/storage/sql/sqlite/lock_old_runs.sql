SELECT runs.id
FROM runs
WHERE runs.id IN (?) AND runs.finished_at IS NOT NULL AND runs.finished_at < ? AND runs.status >= ? AND (SELECT deliveries.id
FROM deliveries
WHERE deliveries.run_id = runs.id
 LIMIT 1 OFFSET ?) IS NULL ORDER BY runs.id;
