SELECT deliveries.id, deliveries.state, deliveries.attempt_count, deliveries.state = 'pending' AND deliveries.is_held = 1 AND deliveries.attempt_count = 0 AS is_on_hold
FROM deliveries
WHERE deliveries.id IN (?);
