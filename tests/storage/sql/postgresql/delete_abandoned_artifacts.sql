SELECT artifacts.id
FROM artifacts
WHERE NOT artifacts.is_whole AND artifacts.touched_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY artifacts.touched_at
 LIMIT $2::INTEGER;
