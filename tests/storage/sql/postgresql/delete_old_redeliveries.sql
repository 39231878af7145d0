DELETE FROM redeliveries WHERE redeliveries.id IN (SELECT redeliveries.id
FROM redeliveries
WHERE redeliveries.ended_at < $1::BIGINT ORDER BY redeliveries.ended_at
 LIMIT $2::INTEGER);
