SELECT runs.job_id, runs.id, runs.status, runs.has_warned, runs.started_at, runs.finished_at
FROM jobs JOIN runs ON runs.job_id = jobs.id
WHERE jobs.id IN (?) AND runs.id >= coalesce((SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT ? OFFSET ?), ?) ORDER BY runs.job_id, runs.id;
