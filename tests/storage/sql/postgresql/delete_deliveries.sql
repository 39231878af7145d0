DELETE FROM deliveries WHERE deliveries.id IN ($1::VARCHAR COLLATE "C") AND (deliveries.state NOT IN ($2::VARCHAR, $3::VARCHAR));
