WITH free AS
(SELECT duties.name AS name
FROM duties
WHERE duties.name IN ($5::VARCHAR, $6::VARCHAR) AND (duties.holder = $3::VARCHAR OR duties.held_until <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) OR duties.held_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $4::BIGINT) ORDER BY duties.name FOR UPDATE SKIP LOCKED)
 UPDATE duties SET holder=$1::VARCHAR, held_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $2::BIGINT) WHERE duties.name IN (SELECT free.name
FROM free) RETURNING duties.name;
