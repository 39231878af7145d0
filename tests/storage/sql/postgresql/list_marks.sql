SELECT runs.job_id, runs.id, runs.status, runs.has_warned, runs.started_at, runs.finished_at
FROM jobs JOIN runs ON runs.job_id = jobs.id
WHERE jobs.id IN ($4::BIGINT) AND runs.id >= coalesce((SELECT runs.id
FROM runs
WHERE runs.job_id = jobs.id ORDER BY runs.id DESC
 LIMIT $1::INTEGER OFFSET $2::INTEGER), $3::INTEGER) ORDER BY runs.job_id, runs.id;
