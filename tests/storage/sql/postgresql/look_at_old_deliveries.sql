SELECT deliveries.id, (deliveries.state NOT IN ($4::VARCHAR, $5::VARCHAR)) AS is_over
FROM deliveries
WHERE deliveries.id > $1::VARCHAR COLLATE "C" AND deliveries.id < $2::VARCHAR COLLATE "C" ORDER BY deliveries.id
 LIMIT $3::INTEGER;
