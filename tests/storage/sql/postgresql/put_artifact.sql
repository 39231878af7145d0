INSERT INTO artifacts (run_id, name, size, content, created_at) SELECT runs.id, $1::VARCHAR AS anon_1, $2::BIGINT AS anon_2, $3::BYTEA AS anon_3, CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) AS anon_4
FROM runs
WHERE runs.account_id = $4::BIGINT AND runs.id = $5::BIGINT ON CONFLICT (run_id, name) DO UPDATE SET size = excluded.size, content = excluded.content, created_at = excluded.created_at;
