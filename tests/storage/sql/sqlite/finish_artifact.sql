SELECT runs.id
FROM runs
WHERE runs.account_id = ? AND runs.id = ?;

UPDATE artifacts SET is_whole=?, touched_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE artifacts.run_id = ? AND (artifacts.name, artifacts.step) IN (SELECT artifacts.name, artifacts.step
FROM artifacts
WHERE artifacts.id = ?) AND artifacts.is_whole = 1;

UPDATE artifacts SET is_whole=?, touched_at=CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 WHERE artifacts.id = ? AND artifacts.run_id = ?;
