SELECT deliveries.id, deliveries.run_id, deliveries.event_sequence, length(deliveries.body) AS size
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = $1::VARCHAR COLLATE "C" AND deliveries.run_id IN ($2::BIGINT);
