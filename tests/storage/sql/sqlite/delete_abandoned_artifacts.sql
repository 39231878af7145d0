SELECT artifacts.id
FROM artifacts
WHERE artifacts.is_whole = 0 AND artifacts.touched_at <= CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? ORDER BY artifacts.touched_at
 LIMIT ? OFFSET ?;
