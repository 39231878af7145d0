WITH held AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN ($3::VARCHAR COLLATE "C") AND deliveries.state = 'sending' AND deliveries.claimed_by = $2::VARCHAR ORDER BY deliveries.id FOR UPDATE)
 UPDATE deliveries SET claimed_until=(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT) + $1::BIGINT) WHERE deliveries.id IN (SELECT held.id
FROM held) RETURNING deliveries.id;
