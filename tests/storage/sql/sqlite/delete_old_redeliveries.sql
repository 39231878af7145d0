DELETE FROM redeliveries WHERE redeliveries.id IN (SELECT redeliveries.id
FROM redeliveries
WHERE redeliveries.ended_at < ? ORDER BY redeliveries.ended_at
 LIMIT ? OFFSET ?);
