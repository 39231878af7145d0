DELETE FROM deliveries WHERE deliveries.id IN (?) AND (deliveries.state NOT IN (?, ?));
