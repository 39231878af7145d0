DELETE FROM deliveries WHERE deliveries.id IN (SELECT deliveries.id
FROM deliveries
WHERE deliveries.id < ? AND (deliveries.state NOT IN (?, ?)) ORDER BY deliveries.id
 LIMIT ? OFFSET ?) AND (deliveries.state NOT IN (?, ?));
