SELECT runs.id, runs.status, runs.progress, runs.cancel_requested_at, runs.finished_at
FROM runs
WHERE runs.account_id = ? ORDER BY runs.id DESC
 LIMIT ? OFFSET ?;
