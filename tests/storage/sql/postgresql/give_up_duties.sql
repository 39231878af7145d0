WITH locked AS
(SELECT duties.name AS name
FROM duties
WHERE duties.holder = $1::VARCHAR ORDER BY duties.name FOR NO KEY UPDATE OF duties)
 UPDATE duties SET held_until=CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) WHERE duties.name IN (SELECT locked.name
FROM locked);
