WITH locked AS
(SELECT deliveries.id AS id
FROM deliveries
WHERE deliveries.id IN ($1::VARCHAR COLLATE "C") AND (deliveries.state NOT IN ($2::VARCHAR, $3::VARCHAR)) ORDER BY deliveries.id FOR UPDATE OF deliveries)
 DELETE FROM deliveries WHERE deliveries.id IN (SELECT locked.id
FROM locked);
