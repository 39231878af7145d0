SELECT runs.id, runs.started_at
FROM runs
WHERE runs.id IN (?);
