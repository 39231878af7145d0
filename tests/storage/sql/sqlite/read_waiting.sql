SELECT deliveries.id, deliveries.event_type, deliveries.is_test, deliveries.created_at, deliveries.body, deliveries.envelope
FROM deliveries
WHERE deliveries.id IN (?);
