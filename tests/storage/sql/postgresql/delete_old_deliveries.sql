DELETE FROM deliveries WHERE deliveries.id IN (SELECT deliveries.id
FROM deliveries
WHERE deliveries.id < $1::VARCHAR COLLATE "C" AND (deliveries.state NOT IN ($3::VARCHAR, $4::VARCHAR)) ORDER BY deliveries.id
 LIMIT $2::INTEGER) AND (deliveries.state NOT IN ($3::VARCHAR, $4::VARCHAR));
