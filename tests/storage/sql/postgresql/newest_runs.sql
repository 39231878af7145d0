SELECT runs.id, runs.status, runs.progress, runs.cancel_requested_at, runs.finished_at
FROM runs
WHERE runs.account_id = $1::BIGINT ORDER BY runs.id DESC
 LIMIT $2::INTEGER;
