SELECT replicas.name, replicas.host, replicas.roles, replicas.version, replicas.started_at, replicas.seen_at, replicas.attempts_lately, replicas.seen_at > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT AS is_alive
FROM replicas ORDER BY replicas.started_at, replicas.name;
