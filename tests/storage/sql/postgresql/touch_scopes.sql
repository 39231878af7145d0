UPDATE projects SET used_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE projects.id = $1::BIGINT;

UPDATE environments SET used_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE environments.id = $1::BIGINT;

UPDATE jobs SET used_at=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE jobs.id = $1::BIGINT;
