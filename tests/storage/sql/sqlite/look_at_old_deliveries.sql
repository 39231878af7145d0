SELECT deliveries.id, (deliveries.state NOT IN (?, ?)) AS is_over
FROM deliveries
WHERE deliveries.id > ? AND deliveries.id < ? ORDER BY deliveries.id
 LIMIT ? OFFSET ?;
