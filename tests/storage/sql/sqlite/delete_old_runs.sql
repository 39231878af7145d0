DELETE FROM runs WHERE runs.id IN (SELECT runs.id
FROM runs
WHERE runs.created_at < ? AND runs.status >= ? AND NOT (EXISTS (SELECT *
FROM deliveries
WHERE deliveries.run_id = runs.id)) ORDER BY runs.created_at
 LIMIT ? OFFSET ?);
