SELECT (some.started_at - ?) / ? AS step, some.status, some.has_warned, count(*) AS runs
FROM (SELECT runs.status AS status, runs.has_warned AS has_warned, runs.started_at AS started_at
FROM runs
WHERE runs.job_id = ? ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS some
WHERE some.started_at >= ? GROUP BY 1, some.status, some.has_warned;
