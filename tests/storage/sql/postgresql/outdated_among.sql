SELECT deliveries.id
FROM deliveries JOIN standings ON standings.webhook_id = deliveries.webhook_id AND standings.job_id = deliveries.job_id AND standings.latest_id != deliveries.id
WHERE deliveries.id IN ($2::VARCHAR COLLATE "C") AND (deliveries.state != $1::VARCHAR OR standings.latest_id > deliveries.id);
