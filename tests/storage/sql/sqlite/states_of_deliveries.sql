SELECT deliveries.id, deliveries.state, deliveries.attempt_count, deliveries.updated_at
FROM deliveries
WHERE deliveries.account_id + ? = ? AND deliveries.id IN (?) ORDER BY deliveries.id;
