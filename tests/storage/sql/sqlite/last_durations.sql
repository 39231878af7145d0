SELECT attempts.delivery_id, attempts.duration
FROM attempts JOIN deliveries ON deliveries.id = attempts.delivery_id
WHERE attempts.delivery_id IN (?) AND attempts.number = deliveries.attempt_count;
