WITH locked AS
(SELECT replicas.name AS name
FROM replicas
WHERE replicas.seen_at <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY replicas.name FOR UPDATE OF replicas)
 DELETE FROM replicas WHERE replicas.name IN (SELECT locked.name
FROM locked);
