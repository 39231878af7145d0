WITH locked AS
(SELECT redeliveries.id AS id
FROM redeliveries
WHERE redeliveries.id IN (SELECT redeliveries.id
FROM redeliveries
WHERE redeliveries.ended_at < $1::BIGINT ORDER BY redeliveries.ended_at
 LIMIT $2::INTEGER) ORDER BY redeliveries.id FOR UPDATE OF redeliveries)
 DELETE FROM redeliveries WHERE redeliveries.id IN (SELECT locked.id
FROM locked);
