WITH RECURSIVE lane(webhook_id) AS
(SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1 OFFSET ?) AS webhook_id UNION ALL SELECT (SELECT deliveries.webhook_id
FROM deliveries
WHERE deliveries.state = 'pending' AND deliveries.webhook_id > lane.webhook_id ORDER BY deliveries.webhook_id, deliveries.next_attempt_at
 LIMIT 1 OFFSET ?) AS anon_1
FROM lane
WHERE lane.webhook_id IS NOT NULL)
 SELECT lane.webhook_id
FROM lane JOIN webhooks ON webhooks.id = coalesce(lane.webhook_id, '') AND webhooks.active = 0;
