SELECT (some.started_at - ?) / ? AS step, some.status, some.has_warned, count(*) AS runs
FROM (SELECT runs.status AS status, runs.has_warned AS has_warned, runs.started_at AS started_at
FROM runs
WHERE runs.account_id = ? AND runs.id >= (SELECT runs.id
FROM runs
WHERE runs.created_at >= ? ORDER BY runs.created_at
 LIMIT ? OFFSET ?) ORDER BY runs.id DESC
 LIMIT ? OFFSET ?) AS some
WHERE some.started_at >= ? GROUP BY 1, some.status, some.has_warned;
