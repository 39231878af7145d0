WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_until > CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET claimed_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE deliveries.id IN (SELECT locked.id
FROM locked);

WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.state = 'sending' AND deliveries.claimed_until <= CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) ORDER BY deliveries.id FOR NO KEY UPDATE OF deliveries)
 UPDATE deliveries SET state=CASE WHEN deliveries.is_test THEN $1 ELSE $2 END, next_attempt_at=deliveries.next_attempt_at, claimed_by=NULL, claimed_until=NULL WHERE deliveries.id IN (SELECT locked.id
FROM locked);
