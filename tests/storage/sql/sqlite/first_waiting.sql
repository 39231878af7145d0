SELECT deliveries.id, deliveries.run_id, deliveries.event_sequence, length(deliveries.body) AS size, (SELECT earlier.id
FROM deliveries AS earlier
WHERE earlier.run_id = deliveries.run_id AND earlier.webhook_id = deliveries.webhook_id AND earlier.event_sequence < deliveries.event_sequence AND earlier.state = 'pending' AND (earlier.next_attempt_at, earlier.id) > (deliveries.next_attempt_at, deliveries.id)
 LIMIT 1 OFFSET ?) IS NOT NULL AS is_early
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id = ? ORDER BY deliveries.next_attempt_at, deliveries.id
 LIMIT ? OFFSET ?;
