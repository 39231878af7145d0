WITH free AS
(SELECT duties.name AS name
FROM duties
WHERE duties.name = ANY ($3::TEXT[]) AND (duties.holder = $1::VARCHAR OR duties.held_until <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) OR duties.held_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $2::BIGINT + $2::BIGINT) ORDER BY duties.name FOR UPDATE SKIP LOCKED)
 UPDATE duties SET holder=$1::VARCHAR, held_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $2::BIGINT) WHERE duties.name IN (SELECT free.name
FROM free) RETURNING duties.name;
