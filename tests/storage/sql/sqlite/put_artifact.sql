SELECT runs.id
FROM runs
WHERE runs.account_id = ? AND runs.id = ?;

DELETE FROM artifacts WHERE artifacts.run_id = ? AND artifacts.name = ?;

INSERT INTO artifacts (run_id, name, part, size, content, created_at) VALUES (?, ?, ?, ?, ?, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000);
