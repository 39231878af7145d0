SELECT replicas.name, replicas.host, replicas.roles, replicas.version, replicas.started_at, replicas.seen_at, replicas.attempts_lately, replicas.seen_at > CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000 + ? AS is_alive
FROM replicas ORDER BY replicas.started_at, replicas.name;
