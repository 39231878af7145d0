INSERT INTO artifacts (run_id, name, size, content, created_at) SELECT runs.id, ? AS anon_1, ? AS anon_2, ? AS anon_3, CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 AS anon_4
FROM runs
WHERE runs.account_id = ? AND runs.id = ? ON CONFLICT (run_id, name) DO UPDATE SET size = excluded.size, content = excluded.content, created_at = excluded.created_at;
